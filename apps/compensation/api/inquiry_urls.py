"""Addresses of inquiries in the API; ``salesportal.api`` takes them in."""

from django.urls import path

from apps.compensation.api import adjustments, inquiries

urlpatterns = [
    path("inquiries/", inquiries.InquiriesView.as_view(), name="inquiries"),
    path("inquiries/<int:pk>/", inquiries.InquiryView.as_view(), name="inquiry"),
    path("inquiries/<int:pk>/reply/", inquiries.InquiryReplyView.as_view(), name="inquiry_reply"),
    path("inquiries/<int:pk>/ask-back/", inquiries.InquiryAskBackView.as_view(), name="inquiry_ask_back"),
    path("inquiries/<int:pk>/settle/", inquiries.InquirySettleView.as_view(), name="inquiry_settle"),
    path("inquiries/<int:pk>/assign/", inquiries.InquiryAssignView.as_view(), name="inquiry_assign"),
    path("inquiries/<int:pk>/accept/", inquiries.InquiryAcceptView.as_view(), name="inquiry_accept"),
    path("inquiries/<int:pk>/withdraw/", inquiries.InquiryWithdrawView.as_view(), name="inquiry_withdraw"),
    path("inquiries/<int:pk>/reopen/", inquiries.InquiryReopenView.as_view(), name="inquiry_reopen"),
    path("inquiries/<int:pk>/change/", adjustments.AdjustmentsView.as_view(), name="adjustment_propose"),
    path(
        "adjustments/<int:pk>/approve/",
        adjustments.ApproveAdjustmentView.as_view(),
        name="adjustment_approve",
    ),
    path(
        "adjustments/<int:pk>/decline/",
        adjustments.DeclineAdjustmentView.as_view(),
        name="adjustment_decline",
    ),
    path(
        "adjustments/<int:pk>/withdraw/",
        adjustments.WithdrawAdjustmentView.as_view(),
        name="adjustment_withdraw",
    ),
    path(
        "adjustments/<int:pk>/take-back/",
        adjustments.ReverseAdjustmentView.as_view(),
        name="adjustment_reverse",
    ),
]
