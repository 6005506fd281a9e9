// SPDX-License-Identifier: MPL-2.0

package discord_test

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
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/discord"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

func TestSend_ReadsAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		status  int
		header  map[string]string
		body    string
		want    destination.Outcome
		wait    time.Duration
		message string // of the receipt, when it is not the body
		hint    string // in the error
		id, url string
	}{
		{name: "delivered", status: 200, body: `{"id":"11","channel_id":"22"}`, want: destination.OutcomeDelivered, id: "11"},
		{name: "delivered, server known", status: 200, body: `{"id":"11","channel_id":"22","guild_id":"33"}`, want: destination.OutcomeDelivered, id: "11", url: "https://discord.com/channels/33/22/11"},
		{name: "delivered, not shown", status: 204, want: destination.OutcomeDelivered},
		{name: "not confirmed", status: 200, want: destination.OutcomeAmbiguous, hint: "message"},
		{name: "somebody else's page", status: 200, body: `<html>`, want: destination.OutcomeAmbiguous, hint: "proxy"},
		{
			name: "throttled", status: 429, header: map[string]string{"Retry-After": "65", "X-RateLimit-Scope": "user"},
			body: `{"message":"You are being rate limited.","retry_after":64.57,"global":false}`,
			want: destination.OutcomeWait, wait: 65 * time.Second, message: "You are being rate limited.", hint: "this webhook",
		},
		{
			name: "throttled, the body alone says how long", status: 429, header: map[string]string{"X-RateLimit-Scope": "shared"},
			body: `{"message":"The resource is being rate limited.","retry_after":1336.57,"global":false}`,
			want: destination.OutcomeWait, wait: 1336*time.Second + 570*time.Millisecond, message: "The resource is being rate limited.", hint: "the channel",
		},
		{
			name: "throttled everywhere", status: 429, header: map[string]string{"Retry-After": "1", "X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"},
			body: `{"message":"You are being rate limited.","retry_after":0.31,"global":true}`,
			want: destination.OutcomeWait, wait: time.Second, message: "You are being rate limited.", hint: "everything from this address",
		},
		{name: "throttled by the gateway", status: 429, body: "error code: 1015", want: destination.OutcomeRetry},
		{name: "nonsense for a wait", status: 429, body: `{"message":"wait","retry_after":1e300}`, want: destination.OutcomeRetry, message: "wait"},
		{name: "deleted", status: 404, body: `{"message": "Unknown Webhook", "code": 10015}`, want: destination.OutcomePermanent, message: "10015 Unknown Webhook", hint: "deleted"},
		{name: "thread gone", status: 404, body: `{"message": "Unknown Channel", "code": 10003}`, want: destination.OutcomePermanent, message: "10003 Unknown Channel", hint: "thread_id"},
		{name: "token", status: 401, body: `{"message": "Invalid Webhook Token", "code": 50027}`, want: destination.OutcomePermanent, message: "50027 Invalid Webhook Token", hint: "copy its URL"},
		{name: "no rights", status: 403, body: `{"message": "Missing Permissions", "code": 50013}`, want: destination.OutcomePermanent, message: "50013 Missing Permissions"},
		{name: "AutoMod", status: 400, body: `{"message": "Message was blocked by automatic moderation", "code": 200000}`, want: destination.OutcomePermanent, message: "200000 Message was blocked by automatic moderation", hint: "AutoMod"},
		{name: "forum", status: 400, body: `{"message": "Webhooks posted to forum channels must have a thread_name or thread_id", "code": 220001}`, want: destination.OutcomePermanent, message: "220001 Webhooks posted to forum channels must have a thread_name or thread_id", hint: "thread_name"},
		{name: "no forum", status: 400, body: `{"message": "Webhooks can only create threads in forum channels", "code": 220003}`, want: destination.OutcomePermanent, message: "220003 Webhooks can only create threads in forum channels", hint: "leave it out"},
		{
			name: "invalid form", status: 400,
			body: `{"message":"Invalid Form Body","code":50035,"errors":{"embeds":{"0":{"fields":{"6":{"value":{"_errors":[{"code":"BASE_TYPE_MAX_LENGTH","message":"Must be 1024 or fewer in length."}]}}},` +
				`"title":{"_errors":[{"code":"BASE_TYPE_REQUIRED","message":"This field is required"}]}}},"_errors":[{"code":"X","message":"Too large"}]}}`,
			want:    destination.OutcomePermanent,
			message: "50035 Invalid Form Body: Too large; embeds.0.fields.6.value: Must be 1024 or fewer in length.; embeds.0.title: This field is required",
		},
		{name: "an older invalid form", status: 400, body: `{"embeds": ["0"]}`, want: destination.OutcomePermanent},
		{name: "Discord is down", status: 503, header: map[string]string{"Retry-After": "12"}, body: "upstream connect error", want: destination.OutcomeWait, wait: 12 * time.Second},
		{name: "error", status: 500, body: `{"message": "500: Internal Server Error", "code": 0}`, want: destination.OutcomeRetry, message: "500: Internal Server Error"},
		{name: "a secret in the refusal", status: 401, body: `{"message": "Bad hidden_token-0123456789", "code": 50027}`, want: destination.OutcomePermanent, message: "50027 Bad [secret]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var line, agent string
			vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				line, agent = r.Method+" "+r.URL.RequestURI(), r.UserAgent()
				for name, value := range c.header {
					w.Header().Set(name, value)
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			t.Cleanup(vendor.Close)
			client := outbound.New(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
			t.Cleanup(client.Close)
			config := discord.Config{WebhookURL: secret.New(vendor.URL + "/api/webhooks/223704706495545344/hidden_token-0123456789"), ThreadID: "7"}
			sender, err := discord.New(config, destination.Env{HTTP: client, Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			receipt, err := sender.Send(t.Context(), destinationtest.Message())
			if outcome, wait := destination.OutcomeOf(err); outcome != c.want || wait != c.wait {
				t.Errorf("got %s after %s (error %v), want %s after %s", outcome, wait, err, c.want, c.wait)
			}
			want := c.body
			if c.message != "" {
				want = c.message
			}
			if receipt.Message != want || receipt.StatusCode != c.status || receipt.ExternalID != c.id || receipt.ExternalURL != c.url {
				t.Errorf("got %+v, want the message %q and %q, %q", receipt, want, c.id, c.url)
			}
			if c.hint != "" && (err == nil || !strings.Contains(err.Error(), c.hint)) {
				t.Errorf("got the error %v, want %q in it", err, c.hint)
			}
			if line != "POST /api/webhooks/223704706495545344/hidden_token-0123456789?thread_id=7&wait=true" || !strings.HasPrefix(agent, "DiscordBot (https://") {
				t.Errorf("got %s from %s", line, agent)
			}
		})
	}
}
