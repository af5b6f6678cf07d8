"""Addresses of the weekly review, of complaints about leads, and of what leads cost and brought."""

from django.urls import path

from apps.scorecards.views import complaints, review, review_acts, roi, spend

urlpatterns = [
    path("review/", review.reviews, name="reviews"),
    path("review/<int:pk>/", review.review, name="review"),
    path("review/<int:pk>/lists/<slug:key>/", review.section, name="review_section"),
    path("review/<int:pk>/meeting/", review.meeting, name="review_meeting"),
    path("review/<int:pk>/items/", review_acts.add_item, name="review_item_add"),
    path("review/items/", review_acts.items, name="review_items"),
    path("review/items/<int:pk>/end/", review_acts.end_item, name="review_item_end"),
    path("review/reasons/", review_acts.reasons, name="review_reasons"),
    path("review/teams/<int:team>/make/", review_acts.make, name="review_make"),
    path("review/teams/<int:team>/ask/", review_acts.ask, name="review_ask"),
    path("review/teams/<int:team>/setting/", review_acts.setting, name="review_setting"),
    path("complaints/", complaints.complaints, name="complaints"),
    path("complaints/<int:pk>/", complaints.complaint, name="complaint"),
    path("complaints/<int:pk>/answer/", complaints.answer, name="complaint_answer"),
    path("complaints/<int:pk>/withdraw/", complaints.withdraw, name="complaint_withdraw"),
    path("complaints/about/<int:lead>/", complaints.complain, name="complain"),
    path("roi/", roi.lead_roi, name="lead_roi"),
    path("roi/leads/", roi.leads_behind, name="lead_roi_leads"),
    path("roi/spend/", spend.spend_list, name="spend"),
    path("roi/spend/<int:pk>/correct/", spend.correct, name="spend_correct"),
]
