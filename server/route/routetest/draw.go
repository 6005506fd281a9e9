// SPDX-License-Identifier: MPL-2.0

package routetest

import (
	"fmt"

	"pgregory.net/rapid"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
)

// LogTypes are those that destinations and alerts are drawn with.
var LogTypes = []string{"AWS.CloudTrail", "Okta.SystemLog", "GitHub.Audit"}

// DrawDestinations draws up to six, with the ids id-0, id-1 and so on and like names.
func DrawDestinations(t *rapid.T) []route.Destination {
	list := make([]route.Destination, rapid.IntRange(0, 6).Draw(t, "destinations"))
	for i := range list {
		list[i] = route.Destination{
			ID: fmt.Sprintf("id-%d", i), DisplayName: fmt.Sprintf("name-%d", i), Type: "webhook",
			Enabled:    rapid.Bool().Draw(t, "enabled"),
			Severities: rapid.SliceOfDistinct(rapid.SampledFrom(alert.Severities()), rapid.ID).Draw(t, "severities"),
			AlertTypes: rapid.SliceOfNDistinct(rapid.SampledFrom(alert.Types()), 0, 3, rapid.ID).Draw(t, "alert types"),
			LogTypes:   rapid.SliceOfNDistinct(rapid.SampledFrom(LogTypes), 0, 2, rapid.ID).Draw(t, "log types"),
		}
	}
	return list
}

// DrawList draws nil, an empty list, or entries good and bad, sometimes SKIP.
func DrawList(t *rapid.T, label string) []string {
	if rapid.Bool().Draw(t, label+" absent") {
		return nil
	}
	entry := rapid.OneOf(
		rapid.Map(rapid.IntRange(0, 7), func(i int) string { return fmt.Sprintf("id-%d", i) }),
		rapid.Map(rapid.IntRange(0, 7), func(i int) string { return fmt.Sprintf("name-%d", i) }),
		rapid.SampledFrom([]string{"nope", "", "NAME-1", "SKIP"}),
	)
	return append([]string{}, rapid.SliceOfN(entry, 0, 4).Draw(t, label)...)
}

// DrawAlert draws an alert of the detection "detection".
func DrawAlert(t *rapid.T) *alert.Alert {
	a := &alert.Alert{
		Type:     rapid.SampledFrom(alert.Types()).Draw(t, "type"),
		LogTypes: rapid.SliceOfNDistinct(rapid.SampledFrom(LogTypes), 0, 2, rapid.ID).Draw(t, "log types"),
		Detection: alert.Detection{
			ID: "detection", Severity: rapid.SampledFrom([]string{"INFO", "low", "Medium", "HIGH", "CRITICAL"}).Draw(t, "severity"),
			Destinations: DrawList(t, "static"),
		},
	}
	a.Generated.Destinations = DrawList(t, "generated")
	if rapid.Bool().Draw(t, "has generated severity") {
		s := rapid.SampledFrom([]string{"INFO", "low", "HIGH", "DEFAULT", "default", "SEVERE", ""}).Draw(t, "generated severity")
		a.Generated.Severity = &s
	}
	return a
}

// DrawOverrides draws none or that of the detection "detection".
func DrawOverrides(t *rapid.T) []route.Override {
	if rapid.Bool().Draw(t, "no override") {
		return nil
	}
	return []route.Override{{
		DetectionID:  "detection",
		Severity:     rapid.SampledFrom(append([]alert.Severity{""}, alert.Severities()...)).Draw(t, "override severity"),
		Destinations: DrawList(t, "override"),
	}}
}
