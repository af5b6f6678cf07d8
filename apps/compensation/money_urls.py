"""Addresses of credits by hand, exchange rates and payments; ``urls`` takes them in."""

from django.urls import path

from apps.compensation.views import money, splits

urlpatterns = [
    path("credits/", splits.split_list, name="splits"),
    path("credits/<int:pk>/", splits.split, name="split"),
    path("credits/of-event/<int:pk>/", splits.split_new, name="split_new"),
    path("credits/<int:pk>/approve/", splits.split_approve, name="split_approve"),
    path("credits/<int:pk>/decline/", splits.split_decline, name="split_decline"),
    path("credits/<int:pk>/withdraw/", splits.split_withdraw, name="split_withdraw"),
    path("credits/<int:pk>/take-back/", splits.split_reverse, name="split_reverse"),
    path("rates/", money.rate_list, name="rates"),
    path("rates/enter/", money.rate_enter, name="rate_enter"),
    path("rates/import/", money.rate_import, name="rate_import"),
    path("payout-currencies/", money.payout_currencies, name="payout_currencies"),
    path("payout-currencies/set/", money.payout_currency_set, name="payout_currency_set"),
    path("payments/", money.payment_list, name="payments"),
    path("payments/record/", money.payment_record, name="payment_record"),
    path("payments/import/", money.payment_import, name="payment_import"),
    path("payments/<int:pk>/take-back/", money.payment_reverse, name="payment_reverse"),
]
