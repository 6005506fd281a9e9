// SPDX-License-Identifier: MPL-2.0

package email_test

import (
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
)

// TestSamples writes what the pictures in the docs are made of.
func TestSamples(t *testing.T) {
	t.Parallel()
	critical := destinationtest.Message()
	critical.Severity = alert.Critical
	for name, m := range map[string]*destination.Message{"email-alert.html": critical, "email-test.html": destinationtest.Test()} {
		destinationtest.WriteSample(t, name, []byte(partsOf(t, render(t, config{}, m)).HTML))
	}
}
