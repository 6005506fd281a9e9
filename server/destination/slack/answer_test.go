// SPDX-License-Identifier: MPL-2.0

package slack_test

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
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/slack"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// TestSend_ReadsAnswers has Slack's own refusals:
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling-errors
func TestSend_ReadsAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status     int
		retryAfter string
		body       string
		want       destination.Outcome
		wait       time.Duration
		hint       string // in the error
	}{
		{200, "", "ok", destination.OutcomeDelivered, 0, ""},
		{200, "", "<html><title>Sign in to the proxy</title>", destination.OutcomeAmbiguous, 0, "login page"},
		{200, "", `{"ok":false,"error":"channel_not_found"}`, destination.OutcomePermanent, 0, "not ok"},
		{200, "", `{"ok":true}`, destination.OutcomeDelivered, 0, ""},
		{400, "", "invalid_payload", destination.OutcomePermanent, 0, ""},
		{400, "", "invalid_blocks", destination.OutcomePermanent, 0, ""},
		{400, "", "no_text", destination.OutcomePermanent, 0, ""},
		{400, "", "user_not_found", destination.OutcomePermanent, 0, "add another"},
		{403, "", "action_prohibited", destination.OutcomePermanent, 0, "administrator"},
		{403, "", "invalid_token", destination.OutcomePermanent, 0, "copy it again"},
		{403, "", "posting_to_general_channel_denied", destination.OutcomePermanent, 0, "general channel"},
		{404, "", "channel_not_found", destination.OutcomePermanent, 0, "another channel"},
		{404, "", "no_service", destination.OutcomePermanent, 0, "was removed"},
		{404, "", "no_active_hooks", destination.OutcomePermanent, 0, "was removed"},
		{410, "", "channel_is_archived", destination.OutcomePermanent, 0, "unarchive"},
		{429, "30", "rate_limited", destination.OutcomeWait, 30 * time.Second, ""},
		{429, "", "", destination.OutcomeRetry, 0, ""},
		{500, "", "rollup_error", destination.OutcomeRetry, 0, ""},
		{503, "5", "", destination.OutcomeWait, 5 * time.Second, ""},
	} {
		t.Run(strings.TrimSpace(c.body+" "+c.retryAfter), func(t *testing.T) {
			t.Parallel()
			vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if c.retryAfter != "" {
					w.Header().Set("Retry-After", c.retryAfter)
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			t.Cleanup(vendor.Close)
			client := outbound.New(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
			t.Cleanup(client.Close)
			sender, err := slack.New(slack.Config{WebhookURL: secret.New(vendor.URL + "/services/T/B/x")}, destination.Env{HTTP: client, Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			receipt, err := sender.Send(t.Context(), destinationtest.Message())
			if outcome, wait := destination.OutcomeOf(err); outcome != c.want || wait != c.wait || receipt.Message != c.body || receipt.StatusCode != c.status {
				t.Errorf("got %s after %s, %+v (error %v), want %s after %s", outcome, wait, receipt, err, c.want, c.wait)
			}
			if err != nil && !strings.Contains(err.Error(), c.hint) {
				t.Errorf("got the error %v, want %q in it", err, c.hint)
			}
		})
	}
}
