// SPDX-License-Identifier: MPL-2.0

package template

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
)

// Check returns what is wrong with a template: what [Parse] finds, and what goes wrong with sample alerts, of which
// each says what it has that others do not.
func Check(source string, escape func(string) string) Faults {
	return CheckOutput(source, escape, func(string) error { return nil })
}

// CheckOutput is [Check] for a place that does not take everything: judge says what is wrong with what the template gives,
// as the end of a sentence.
func CheckOutput(source string, escape func(string) string, judge func(output string) error) Faults {
	t, err := Parse(source, escape)
	return checked(t, err, judge)
}

// CheckJSON is [Check] for a template whose output is JSON.
func CheckJSON(source string) Faults {
	t, err := ParseJSON(source)
	return checked(t, err, func(string) error { return nil })
}

func checked(t *Template, err error, judge func(output string) error) Faults {
	if err != nil {
		faults, _ := errors.AsType[Faults](err)
		return faults
	}
	for _, s := range samples() {
		output, err := t.Execute(s.data)
		if err == nil {
			if wrong := judge(output); wrong != nil {
				err = Fault{Message: "what it gives " + wrong.Error()}
			}
		}
		if err != nil {
			fault, _ := errors.AsType[Fault](err)
			fault.Message += " (with an alert that has " + s.what + ")"
			return Faults{fault}
		}
	}
	return nil
}

type sample struct {
	what string
	data map[string]any
}

// samples are alerts such as there are: an ordinary one, one with nothing that may be missing, and one of which every
// text is as bad as can be.
func samples() []sample {
	minimal, hostile := empty(), empty()
	maps.Copy(minimal, map[string]any{
		"title": "AWS.S3.Public", "severity": "INFO", "type": "POLICY", "alert_id": "0199a1b2-c3d4-7e5f-8a9b-0c1d2e3f4051",
		"created_at": "2026-11-21T03:35:00Z", "attempt": 1,
	})
	const bad = "\"'<&>`*_~|{}[]() \\ \n\t <!channel> @everyone <script>alert(1)</script> {{.title}} ${x} %s \u2028 שלום 👨‍👩‍👧‍👦"
	for name, value := range hostile {
		if _, ok := value.(string); ok {
			hostile[name] = bad
		}
	}
	maps.Copy(hostile, map[string]any{
		"severity": "CRITICAL", "type": "RULE_ERROR", "link": "", "created_at": "2026-11-21T03:35:00Z", "attempt": 2, "test": true,
		"tags": slices.Repeat([]string{bad}, 3), "log_types": []string{bad},
		"context": Raw{JSON: quotedContext(bad)},
	})
	return []sample{
		{"everything", full()},
		{"only what is required", minimal},
		{"hostile texts", hostile},
	}
}

// full is an ordinary alert.
func full() map[string]any {
	return map[string]any{
		"title": "Root login to 123456789012 from 198.51.100.7 without MFA", "severity": "HIGH", "type": "RULE",
		"description": "The root account was used to sign in.\nIt should not be used for everyday work.",
		"runbook":     "https://runbooks.example.com/aws/root-login?from=alert&v=2", "reference": "https://docs.example.com/root",
		"alert_id": "b4b3f0d2c1e04f6f", "link": "https://alerts.example.com/alerts/b4b3f0d2c1e04f6f",
		"created_at": "2026-11-21T03:35:21.123456789Z", "dedup": "arn:aws:iam::123456789012:root",
		"tags": []string{"AWS", "Identity & Access Management"}, "log_types": []string{"AWS.CloudTrail"},
		"detection": map[string]any{
			"id": "AWS.Console.RootLogin", "name": "Root console login", "version": "3", "severity": "MEDIUM",
			"description": "The root account was used to sign in.", "runbook": "", "reference": "", "tags": []string{"AWS"},
		},
		"context": Raw{JSON: json.RawMessage(`{"sourceIPAddress":"198.51.100.7","mfa":false,"count":12345678901234567890,"actions":["ConsoleLogin"],` +
			`"user":{"type":"Root","arn":"arn:aws:iam::123456789012:root"},"ratio":1.50,"empty":{}}`)},
		"test": false, "fallback_of": "SOC", "attempt": 1,
	}
}

// empty is an alert that has every name and nothing in any.
func empty() map[string]any {
	data := map[string]any{}
	for _, n := range Names() {
		into, name := data, n.Path[1:]
		if outer, inner, nested := strings.Cut(name, "."); nested {
			into, _ = data[outer].(map[string]any) // Names lists it first
			name = inner
		}
		into[name] = map[Kind]any{Text: "", Number: 0, Truth: false, List: []string{}, Map: map[string]any{}}[n.Kind]
	}
	data["context"] = Raw{JSON: json.RawMessage(`{}`)}
	return data
}

func quotedContext(text string) json.RawMessage {
	raw, _ := json.Marshal(map[string]any{text: text, "list": []any{text, 1, nil}, "nested": map[string]any{text: text}}) // it is text
	return raw
}
