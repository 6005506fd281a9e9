// SPDX-License-Identifier: MPL-2.0

package discord

import (
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

func TestConfig_PostsWhereDiscordListens(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://discord.com/api/webhooks/1/t":                  "https://discord.com/api/webhooks/1/t?wait=true",
		"https://discordapp.com/api/webhooks/1/t":               "https://discord.com/api/webhooks/1/t?wait=true",
		"https://PTB.discord.com/api/v10/webhooks/1/t/":         "https://discord.com/api/v10/webhooks/1/t?wait=true",
		"http://canary.discord.com/api/webhooks/1/t?wait=false": "https://discord.com/api/webhooks/1/t?wait=true",
		"https://proxy.example.com:8443/d/api/webhooks/1/t":     "https://proxy.example.com:8443/d/api/webhooks/1/t?wait=true",
	} {
		if got := (Config{WebhookURL: secret.New(address)}).url(); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
		if got := (Config{WebhookURL: secret.New(address), ThreadID: "2"}).url(); got != want[:len(want)-len("wait=true")]+"thread_id=2&wait=true" {
			t.Errorf("%s: got %s with a thread", address, got)
		}
	}
}
