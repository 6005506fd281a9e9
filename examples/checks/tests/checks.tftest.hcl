# SPDX-License-Identifier: MPL-2.0
# Proves that checks can fail, without a control plane. A mocked data source finds no destinations, so that here every
# alert would go nowhere.

mock_provider "alertrouter" {
  mock_data "alertrouter_test_alert" {
    defaults = { delivered = true }
  }
}

variables {
  soar_url    = "https://soar.example.com/hooks/alerts"
  on_call_url = "https://on-call.example.com/a-key"
}

run "alerts_go_nowhere" {
  expect_failures = [check.critical_is_routed, check.somebody_hears_of_trouble]
}

run "test_alerts_do_not_arrive" {
  override_data {
    target = data.alertrouter_test_alert.sent
    values = { delivered = false, status = "PERMANENT", error = "HTTP 404" }
  }

  expect_failures = [check.test_alerts_arrive, check.critical_is_routed, check.somebody_hears_of_trouble]
}
