// SPDX-License-Identifier: MPL-2.0

package main

import "github.com/alertrouter/terraform-provider-alertrouter/client"

// The destinations of examples/quickstart, by display name.
const (
	soar   = "SOAR"
	onCall = "SOC on-call"
	duty   = "Duty"
)

// A sample is an alert of examples/alerts, with what must become of it.
type sample struct {
	file     string // in examples/alerts, without .json
	scenario client.Scenario
	severity client.Severity // the effective one
	to       []string        // sorted
	warnings []client.RouteWarningCode
	why      string // for a person, in a few words

	// busy makes the SOAR answer 503 to the first attempt.
	busy bool
}

// samples are sent in this order.
var samples = []sample{
	{
		file: "01-suspicious-ip", scenario: "STATIC_SEVERITY", severity: "INFO", to: []string{soar},
		why: "SOAR takes INFO, RULE and AWS.CloudTrail",
	},
	{
		file: "02-mfa-disabled", scenario: "STATIC_SEVERITY", severity: "HIGH", to: []string{soar, onCall},
		why: "both take HIGH",
	},
	{
		file: "03-public-bucket", scenario: "STATIC_SEVERITY", severity: "CRITICAL", to: []string{duty, onCall},
		why: "SOAR takes no POLICY",
	},
	{
		file: "04-root-login", scenario: "STATIC_DESTINATIONS", severity: "CRITICAL", to: []string{duty, onCall},
		why: "the override replaces the list [SOAR] and MEDIUM",
	},
	{
		file: "05-impossible-travel", scenario: "GENERATED_SEVERITY", severity: "CRITICAL", to: []string{duty, soar, onCall},
		why: "the detection's code raised LOW to CRITICAL",
	},
	{
		file: "06-brute-force-lockout", scenario: "GENERATED_SEVERITY", severity: "LOW", to: []string{soar},
		why: "the detection's code lowered HIGH to LOW",
	},
	{
		file: "07-leaked-key", scenario: "GENERATED_DESTINATIONS", severity: "LOW", to: []string{duty, onCall},
		why: "the detection's code named them; no filter applies",
	},
	{
		file: "08-renamed-destination", scenario: "GENERATED_DESTINATIONS", severity: "MEDIUM", to: []string{onCall},
		warnings: []client.RouteWarningCode{"UNKNOWN_DESTINATION"},
		why:      "the other one it named is gone: a warning",
	},
	{
		file: "09-deleted-destination", scenario: "STATIC_DESTINATIONS", severity: "MEDIUM", to: []string{duty},
		warnings: []client.RouteWarningCode{"UNKNOWN_DESTINATION", "EMPTY_LIST"},
		why:      "all the code named are gone: the detection's own list",
	},
	{
		file: "10-payroll-read", scenario: "STATIC_DESTINATIONS", severity: "LOW", to: []string{duty, soar},
		why: "the detection's own list; no filter applies",
	},
	{
		file: "11-planned-scan", scenario: "SUPPRESSED", severity: "HIGH",
		why: "the detection's code returned an empty list",
	},
	{
		file: "12-rule-on-trial", scenario: "SUPPRESSED", severity: "HIGH",
		why: "the detection's own list says SKIP",
	},
	{
		file: "13-new-repository", scenario: "UNROUTED", severity: "INFO",
		why: "nobody takes INFO from GitHub.Audit; it is stored",
	},
	{
		file: "14-broken-detection", scenario: "STATIC_SEVERITY", severity: "HIGH", to: []string{onCall},
		why: "SOAR takes no RULE_ERROR",
	},
	{
		file: "15-silent-log-source", scenario: "SYSTEM", severity: "CRITICAL", to: []string{duty, onCall},
		why: "SYSTEM_ERROR is CRITICAL to all who take the type",
	},
	{
		file: "16-misspelt-severity", scenario: "STATIC_SEVERITY", severity: "HIGH", to: []string{soar, onCall},
		warnings: []client.RouteWarningCode{"INVALID_SEVERITY"},
		why:      "SEVERE is no severity: the static one, a warning",
	},
	{
		file: "17-busy-endpoint", scenario: "STATIC_SEVERITY", severity: "LOW", to: []string{soar}, busy: true,
		why: "SOAR answered 503 at first and was tried again",
	},
}

// byHand is the sample that is dispatched by hand: nobody got it.
const byHand = "13-new-repository"
