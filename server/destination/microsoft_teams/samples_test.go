// SPDX-License-Identifier: MPL-2.0

package teams_test

import (
	"testing"

	teams "github.com/alertrouter/terraform-provider-alertrouter/server/destination/microsoft_teams"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// TestSamples writes what the pictures in the docs are made of.
func TestSamples(t *testing.T) {
	t.Parallel()
	config := teams.Config{Mentions: map[string]string{"Jane Doe": "jane@example.com"}, FullWidth: true}
	for name, m := range map[string]*destination.Message{
		"microsoft_teams-high-light.json":              destinationtest.Message(),
		"microsoft_teams-critical-dark.json":           destinationtest.Critical(),
		"microsoft_teams-critical-unfolded-light.json": destinationtest.Critical(),
	} {
		var none *render.TemplateSet
		body, _ := teams.Render(config, none.Apply(m), m)
		destinationtest.WriteSample(t, name, body)
	}
}
