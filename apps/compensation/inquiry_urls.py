"""Addresses of inquiries and of the changes of pay they lead to; ``urls`` takes them in."""

from django.urls import path

from apps.compensation.views import adjustments, inquiries, inquiry_terms

urlpatterns = [
    path("inquiries/", inquiries.inquiry_list, name="inquiries"),
    path("inquiries/terms/", inquiry_terms.terms, name="inquiry_terms"),
    path("inquiries/about/<int:pk>/", inquiries.inquiry_new, name="inquiry_new"),
    path("inquiries/<int:pk>/", inquiries.inquiry, name="inquiry"),
    path("inquiries/<int:pk>/reply/", inquiries.inquiry_reply, name="inquiry_reply"),
    path("inquiries/<int:pk>/ask-back/", inquiries.inquiry_ask_back, name="inquiry_ask_back"),
    path("inquiries/<int:pk>/settle/", inquiries.inquiry_settle, name="inquiry_settle"),
    path("inquiries/<int:pk>/assign/", inquiries.inquiry_assign, name="inquiry_assign"),
    path("inquiries/<int:pk>/accept/", inquiries.inquiry_accept, name="inquiry_accept"),
    path("inquiries/<int:pk>/withdraw/", inquiries.inquiry_withdraw, name="inquiry_withdraw"),
    path("inquiries/<int:pk>/reopen/", inquiries.inquiry_reopen, name="inquiry_reopen"),
    path("inquiries/<int:pk>/seen/", inquiries.inquiry_seen, name="inquiry_seen"),
    path("inquiries/<int:pk>/change/", adjustments.adjustment_propose, name="adjustment_propose"),
    path("inquiries/files/<int:pk>/", inquiries.attachment, name="inquiry_attachment"),
    path("adjustments/<int:pk>/approve/", adjustments.adjustment_approve, name="adjustment_approve"),
    path("adjustments/<int:pk>/decline/", adjustments.adjustment_decline, name="adjustment_decline"),
    path("adjustments/<int:pk>/withdraw/", adjustments.adjustment_withdraw, name="adjustment_withdraw"),
    path("adjustments/<int:pk>/take-back/", adjustments.adjustment_reverse, name="adjustment_reverse"),
]
