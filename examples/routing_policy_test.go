// SPDX-License-Identifier: MPL-2.0

package examples_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"
)

func TestRoutingPolicy_Holds(t *testing.T) {
	t.Parallel()
	work := enginetest.NewWorkspace(t, "")
	work.Copy(t, "routing-policy")
	if out := work.Must(t, "test", "-no-color"); !strings.Contains(out, "1 passed, 0 failed") {
		t.Errorf("got %s", out)
	}
}

// TestRoutingPolicy_FailsWhatBreaksIt changes the configuration as a pull request would, and reads what its author is told.
func TestRoutingPolicy_FailsWhatBreaksIt(t *testing.T) {
	t.Parallel()
	const onCall = `severities   = ["CRITICAL"]`
	for name, change := range map[string]struct {
		replacements []string // old and new, by turns
		told         []string
	}{
		"CRITICAL goes nowhere": {
			[]string{onCall, `severities   = []`},
			[]string{
				"CRITICAL alerts must wake somebody, whatever they come from. These would not: CRITICAL CORRELATION_RULE from",
				"These alerts would reach nobody: CRITICAL CORRELATION_RULE from",
			},
		},
		"the wrong alerts page": {
			[]string{onCall, `severities   = ["INFO", "CRITICAL"]`, `["MEDIUM", "HIGH"]`, `["HIGH"]`, `severity     = "CRITICAL"`, `severity     = "HIGH"`, `destinations = []`, `severity     = "LOW"`},
			[]string{
				"INFO is not worth waking anybody for. These alerts would: INFO CORRELATION_RULE",
				"These alerts would reach nobody: MEDIUM CORRELATION_RULE from",
				"These detections must wake somebody and would not: AWS.Console.RootLogin",
				"These detections are to be suppressed and would not be: Network.PortScan",
			},
		},
		"only some CRITICAL alerts are left": {
			[]string{onCall, onCall + "\n  log_types    = [\"AWS.CloudTrail\"]", "Tickets\"\n  enabled      = true", "Tickets\"\n  enabled      = false"},
			[]string{
				"whatever they come from. These would not: CRITICAL CORRELATION_RULE from A.LogType.NobodyThoughtOf, CRITICAL CORRELATION_RULE from Okta",
				"These destinations are disabled, or do not say enabled = true: Tickets",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			work := enginetest.NewWorkspace(t, "")
			work.Copy(t, "routing-policy")
			text, err := os.ReadFile("routing-policy/main.tf")
			if err != nil {
				t.Fatal(err)
			}
			broken := string(text)
			for pair := range slices.Chunk(change.replacements, 2) {
				if !strings.Contains(broken, pair[0]) {
					t.Fatalf("main.tf does not have %s", pair[0])
				}
				broken = strings.Replace(broken, pair[0], pair[1], 1)
			}
			work.Write(t, "main.tf", broken)
			out, err := work.Run(t, "test", "-no-color")
			words := strings.Join(strings.Fields(out), " ")
			for _, told := range change.told {
				if err == nil || !strings.Contains(words, told) {
					t.Errorf("got %v, want that the author is told %q\n%s", err, told, out)
				}
			}
		})
	}
}
