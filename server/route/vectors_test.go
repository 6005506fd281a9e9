// SPDX-License-Identifier: MPL-2.0

package route_test

import (
	"slices"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route/routetest"
)

func TestRoute_Vectors(t *testing.T) {
	t.Parallel()
	for _, v := range routetest.Vectors() {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			got := route.Compile(v.Destinations(), v.Overrides()).Route(v.Alert())
			if got.Scenario != v.Scenario {
				t.Errorf("scenario: got %s, want %s", got.Scenario, v.Scenario)
			}
			at := v.Effective
			if at == "" {
				at, _ = alert.ParseSeverity(v.Severity)
			}
			if got.Severity != at {
				t.Errorf("effective severity: got %s, want %s", got.Severity, at)
			}
			if names := namesOf(got); !slices.Equal(names, v.Names) {
				t.Errorf("destinations: got %v, want %v", names, v.Names)
			}
			var codes []route.WarningCode
			for _, w := range got.Warnings {
				codes = append(codes, w.Code)
			}
			if !slices.Equal(codes, v.Warnings) {
				t.Errorf("warnings: got %v, want %v", codes, v.Warnings)
			}
		})
	}
}

// namesOf returns the chosen display names, sorted; nil when there are none.
func namesOf(r route.Route) []string {
	var names []string
	for _, d := range r.Destinations {
		names = append(names, d.DisplayName)
	}
	slices.Sort(names)
	return names
}
