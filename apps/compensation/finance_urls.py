"""Addresses of finance: the worklist of a run, its files, payroll layouts, accruals."""

from django.urls import path, re_path

from apps.compensation.views import finance_files, payroll_layouts, reviews

urlpatterns = [
    path("runs/<int:pk>/review/", reviews.worklist, name="run_review"),
    path("runs/<int:pk>/review/plain/", reviews.approve_plain, name="run_review_plain"),
    path("statements/<int:pk>/review/", reviews.review, name="pay_review"),
    path("runs/<int:pk>/recall/", reviews.recall, name="run_recall"),
    path("runs/<int:pk>/download/", finance_files.make, name="run_download"),
    path("files/<int:pk>/", finance_files.take_kept, name="kept_file"),
    path("downloads/<int:pk>/again/", finance_files.take_again, name="download_again"),
    path("accruals/", finance_files.accrual_page, name="accruals"),
    path("accruals/file/", finance_files.download_accruals, name="accruals_file"),
    path("payroll/", payroll_layouts.layout_list, name="payroll_layouts"),
    path("payroll/new/", payroll_layouts.layout_new, name="payroll_layout_new"),
    path("payroll/preview/", payroll_layouts.preview, name="payroll_preview"),
    path("payroll/<int:pk>/", payroll_layouts.layout, name="payroll_layout"),
    re_path(
        r"^payroll/(?P<pk>[0-9]+)/(?P<verb>copy|default|retire)/$",
        payroll_layouts.act,
        name="payroll_layout_act",
    ),
]
