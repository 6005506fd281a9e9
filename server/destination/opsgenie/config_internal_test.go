// SPDX-License-Identifier: MPL-2.0

package opsgenie

import "testing"

func TestConfig_KnowsTheServices(t *testing.T) {
	t.Parallel()
	for service, want := range map[string]string{
		"opsgenie":                "https://api.opsgenie.com/v2/alerts",
		"opsgenie_eu":             "https://api.eu.opsgenie.com/v2/alerts",
		"jira_service_management": "https://api.atlassian.com/jsm/ops/integration/v2/alerts",
	} {
		if got := (Config{Service: service}).alerts(); got != want {
			t.Errorf("%s: got %s, want %s", service, got, want)
		}
	}
}
