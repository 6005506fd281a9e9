// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"
	"github.com/alertrouter/terraform-provider-alertrouter/server"
	"github.com/alertrouter/terraform-provider-alertrouter/server/servertest"
)

// testedDestination is a destination that is tested, and what else is given.
func testedDestination(more string) string {
	return enginetest.RequiredProviders + `
variable "url" { type = string }
variable "severity" { default = "HIGH" }
variable "again" { default = "" }
resource "alertrouter_destination_webhook" "soar" {
  display_name = "SOAR"
  severities   = [var.severity]
  url          = var.url
}
` + more
}

const testedPlainly = `
data "alertrouter_test_alert" "soar" {
  destination_id       = alertrouter_destination_webhook.soar.id
  destination_revision = alertrouter_destination_webhook.soar.revision
  triggers             = { again = var.again }
}
check "soar" {
  assert {
    condition     = data.alertrouter_test_alert.soar.delivered
    error_message = "No alert reaches the SOAR."
  }
}
`

const testedInCheck = `
check "soar" {
  data "alertrouter_test_alert" "soar" {
    destination_id       = alertrouter_destination_webhook.soar.id
    destination_revision = alertrouter_destination_webhook.soar.revision
    triggers             = { again = var.again }
    fail_on_error        = true
  }
  assert {
    condition     = data.alertrouter_test_alert.soar.delivered
    error_message = "No alert reaches the SOAR."
  }
}
`

// However often Terraform reads the data source, and whatever for, it is sent once for each revision and triggers.
func TestTestAlert_IsSentOnceWhateverTheCommands(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]string{"plainly": testedPlainly, "in a check block": testedInCheck} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r := newReceiver(t)
			work := enginetest.NewWorkspace(t, testedDestination(config), "ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token, "TF_VAR_url="+r.URL)
			for _, step := range []struct {
				command string
				sent    int
			}{
				{"plan", 0},
				{"apply -auto-approve", 1},
				{"plan", 1},
				{"apply -auto-approve", 1},
				{"plan -refresh=false", 1},
				{"plan -refresh-only", 1},
				{"apply -refresh-only -auto-approve", 1},
				{"plan -var=severity=LOW", 1},
				{"apply -auto-approve -var=severity=LOW", 2},
				{"apply -auto-approve -var=severity=LOW", 2},
				{"apply -auto-approve -var=severity=LOW -var=again=please", 3},
				{"plan -destroy -var=severity=LOW -var=again=please", 3},
				{"destroy -auto-approve -var=severity=LOW -var=again=please", 3},
			} {
				out := work.Must(t, append(strings.Fields(step.command), "-no-color")...)
				if got := len(r.requests()); got != step.sent {
					t.Fatalf("after %s %d test alerts were sent, want %d\n%s", step.command, got, step.sent, out)
				}
				if strings.Contains(out, "No alert reaches the SOAR.") {
					t.Errorf("%s says that the test failed:\n%s", step.command, out)
				}
			}
		})
	}
}

// What failed is not sent again at once either, but is after a minute.
func TestTestAlert_IsTriedAgainAMinuteAfterItFailed(t *testing.T) {
	t.Parallel()
	var later atomic.Int64
	began := time.Now()
	w := servertest.Start(t, func(c *server.Config) {
		c.Now = func() time.Time { return began.Add(time.Duration(later.Load())) }
	})
	r := newReceiver(t)
	r.answer(http.StatusForbidden)
	work := enginetest.NewWorkspace(t, testedDestination(testedInCheck), "ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token, "TF_VAR_url="+r.URL)
	for _, step := range []struct {
		command string
		later   time.Duration
		status  int
		sent    int
		works   bool
	}{
		{"apply -auto-approve", 0, http.StatusForbidden, 1, false},
		{"plan", 0, http.StatusOK, 1, false},
		{"apply -auto-approve", 59 * time.Second, http.StatusOK, 1, false},
		{"plan", 61 * time.Second, http.StatusOK, 2, true},
		{"apply -auto-approve", time.Hour, http.StatusOK, 2, true},
	} {
		later.Store(int64(step.later))
		r.answer(step.status)
		out := work.Must(t, append(strings.Fields(step.command), "-no-color")...)
		if got := len(r.requests()); got != step.sent {
			t.Fatalf("%s after the failure: after %s %d test alerts were sent, want %d\n%s", step.later, step.command, got, step.sent, out)
		}
		if warned := strings.Contains(out, "The test alert was not delivered"); warned == step.works {
			t.Errorf("%s after the failure: %s warns: %v, want %v\n%s", step.later, step.command, warned, !step.works, out)
		}
	}
}
