// SPDX-License-Identifier: MPL-2.0

package teams_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
	teams "github.com/alertrouter/terraform-provider-alertrouter/server/destination/microsoft_teams"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

func TestSend_ReadsAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		status     int
		retryAfter string
		body       string
		want       destination.Outcome
		message    string // of the receipt
		hint       string // in the error
	}{
		{"accepted", 202, "", "", destination.OutcomeDelivered, "", ""},
		{"a connector's yes", 200, "", "1", destination.OutcomeDelivered, "1", ""},
		{
			"throttled by Teams behind a success", 200, "",
			"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId tcid=0",
			destination.OutcomeRetry, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId tcid=0", "429",
		},
		{"somebody else's page", 200, "", "<!DOCTYPE html><title>Sign in</title>", destination.OutcomeAmbiguous, "<!DOCTYPE html><title>Sign in</title>", "login page"},
		{"throttled by Teams, with a wait", 200, "9", "Microsoft Teams endpoint returned HTTP error 429", destination.OutcomeWait, "Microsoft Teams endpoint returned HTTP error 429", "429"},
		{"too large for Teams", 200, "", "Microsoft Teams endpoint returned HTTP error 413", destination.OutcomePermanent, "Microsoft Teams endpoint returned HTTP error 413", "413"},
		{
			"users of the tenant only", 401, "",
			`{"error":{"code":"DirectApiAuthorizationRequired","message":"The OAuth authorization scheme is required. Please add authentication scheme and try again."}}`,
			destination.OutcomePermanent, "DirectApiAuthorizationRequired: The OAuth authorization scheme is required. Please add authentication scheme and try again.", "Who can trigger the flow",
		},
		{"claims", 403, "", `{"error":{"code":"MisMatchingOAuthClaims","message":"no"}}`, destination.OutcomePermanent, "MisMatchingOAuthClaims: no", "Who can trigger the flow"},
		{
			"switched off", 400, "", `{"error":{"code":"WorkflowTriggerIsNotEnabled","message":"The workflow is in state 'Suspended'."}}`,
			destination.OutcomePermanent, "WorkflowTriggerIsNotEnabled: The workflow is in state 'Suspended'.", "switch it on",
		},
		{"deleted", 404, "", `{"error":{"code":"WorkflowNotFound","message":"gone"}}`, destination.OutcomePermanent, "WorkflowNotFound: gone", "deleted"},
		{"gone", 410, "", "", destination.OutcomePermanent, "", ""},
		{"other", 400, "", `{"error":{"code":"InvalidRequestContent","message":"not JSON"}}`, destination.OutcomePermanent, "InvalidRequestContent: not JSON", ""},
		{"throttled", 429, "17", `{"error":{"code":"TooManyRequests","message":"wait"}}`, destination.OutcomeWait, "TooManyRequests: wait", ""},
		{"gateway", 502, "", "<html>bad gateway</html>", destination.OutcomeRetry, "<html>bad gateway</html>", ""},
		{"a secret in the refusal", 401, "", `{"error":{"code":"AuthorizationFailed","message":"bad signature s3cr3tsignature"}}`, destination.OutcomePermanent, "AuthorizationFailed: bad signature [secret]", "URL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []byte
			vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got, _ = io.ReadAll(r.Body)
				if c.retryAfter != "" {
					w.Header().Set("Retry-After", c.retryAfter)
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			t.Cleanup(vendor.Close)
			client := outbound.New(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
			t.Cleanup(client.Close)
			sender, err := teams.New(teams.Config{WebhookURL: secret.New(vendor.URL + "/invoke?sig=s3cr3tsignature")}, destination.Env{HTTP: client, Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			m := destinationtest.Message()
			receipt, err := sender.Send(t.Context(), m)
			if outcome, _ := destination.OutcomeOf(err); outcome != c.want || receipt.Message != c.message || receipt.StatusCode != c.status {
				t.Errorf("got %s, %+v (error %v), want %s and %q", outcome, receipt, err, c.want, c.message)
			}
			if c.hint != "" && (err == nil || !strings.Contains(err.Error(), c.hint)) {
				t.Errorf("got the error %v, want %q in it", err, c.hint)
			}
			if rendering, err := sender.Render(m); err != nil || string(rendering.Body) != string(got) {
				t.Errorf("got %s sent, want what Render says: %s (error %v)", got, rendering.Body, err)
			}
		})
	}
}
