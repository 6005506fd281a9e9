// SPDX-License-Identifier: MPL-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A subject is what many resources are declared of.
type subject struct {
	name     string
	provider string // the source of its provider in the registry; "" for one that is built into Terraform

	// block writes resource i. With changed, one of its attributes is another.
	block func(i int, changed bool) string
}

// The subjects, in the columns' order.
var subjects = []subject{
	{"alertrouter", "alertrouter/alertrouter", destinationBlock},
	{"no-op provider", "alertrouter/noop", noopBlock},
	{"terraform_data", "", dataBlock},
}

// destinationBlock writes Slack destinations and webhooks in turn, each with a secret.
func destinationBlock(i int, changed bool) string {
	if i%2 == 0 {
		return fmt.Sprintf(`resource "alertrouter_destination_slack" "d%[1]d" {
  display_name   = "Team %[1]d"
  severities     = ["HIGH", "CRITICAL"]
  mention        = %[2]q
  webhook_url_wo = "https://hooks.slack.com/services/T0/B0/%024[1]d"
}
`, i, either(changed, "<!channel>", "<!here>"))
	}
	return fmt.Sprintf(`resource "alertrouter_destination_webhook" "d%[1]d" {
  display_name    = "Receiver %[1]d"
  severities      = ["LOW", "MEDIUM", "HIGH", "CRITICAL"]
  log_types       = ["AWS.CloudTrail", "Okta.SystemLog"]
  url             = "https://soar.example.com/hooks/%[1]d"
  headers         = { X-Team = %[2]q }
  bearer_token_wo = "token-of-receiver-%[1]d"
}
`, i, either(changed, "blue", "red"))
}

// noopBlock writes what destinationBlock writes, in the words of the provider that does nothing.
func noopBlock(i int, changed bool) string {
	if i%2 == 0 {
		return fmt.Sprintf(`resource "noop_destination" "d%[1]d" {
  display_name = "Team %[1]d"
  severities   = ["HIGH", "CRITICAL"]
  mention      = %[2]q
  secret_wo    = "https://hooks.slack.com/services/T0/B0/%024[1]d"
}
`, i, either(changed, "<!channel>", "<!here>"))
	}
	return fmt.Sprintf(`resource "noop_destination" "d%[1]d" {
  display_name = "Receiver %[1]d"
  severities   = ["LOW", "MEDIUM", "HIGH", "CRITICAL"]
  log_types    = ["AWS.CloudTrail", "Okta.SystemLog"]
  url          = "https://soar.example.com/hooks/%[1]d"
  headers      = { X-Team = %[2]q }
  secret_wo    = "token-of-receiver-%[1]d"
}
`, i, either(changed, "blue", "red"))
}

func dataBlock(i int, changed bool) string {
	return fmt.Sprintf("resource \"terraform_data\" \"d%d\" {\n  input = %q\n}\n", i, either(changed, "blue", "red"))
}

func either(changed bool, yes, no string) string {
	if changed {
		return yes
	}
	return no
}

// write writes the configuration of n resources: a block for each, as in a configuration that grew one by one.
func (s subject) write(dir string, n int, changed bool) error {
	var text strings.Builder
	if s.provider != "" {
		fmt.Fprintf(&text, "terraform {\n  required_providers {\n    %s = { source = %q }\n  }\n}\n", filepath.Base(s.provider), s.provider)
	}
	for i := range n {
		text.WriteString(s.block(i, changed))
	}
	return os.WriteFile(filepath.Join(dir, "main.tf"), []byte(text.String()), 0o600)
}
