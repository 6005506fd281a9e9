// SPDX-License-Identifier: MPL-2.0

// Package alert holds what a detection engine sends: the alert, the detection that raised it and what the
// detection's code generated for this event, with the words and limits they share.
package alert

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Type says what kind of finding an alert is.
type Type string

// The alert types.
const (
	Rule                 Type = "RULE"
	RuleError            Type = "RULE_ERROR"
	Policy               Type = "POLICY"
	ScheduledRule        Type = "SCHEDULED_RULE"
	ScheduledRuleError   Type = "SCHEDULED_RULE_ERROR"
	CorrelationRule      Type = "CORRELATION_RULE"
	CorrelationRuleError Type = "CORRELATION_RULE_ERROR"
	SystemError          Type = "SYSTEM_ERROR"
)

// Types lists every alert type.
func Types() []Type {
	return []Type{
		Rule, RuleError, Policy, ScheduledRule, ScheduledRuleError, CorrelationRule, CorrelationRuleError, SystemError,
	}
}

// Severity is how urgent an alert is: INFO < LOW < MEDIUM < HIGH < CRITICAL.
type Severity string

// The severities, lowest first.
const (
	Info     Severity = "INFO"
	Low      Severity = "LOW"
	Medium   Severity = "MEDIUM"
	High     Severity = "HIGH"
	Critical Severity = "CRITICAL"
)

// Severities lists every severity, lowest first.
func Severities() []Severity { return []Severity{Info, Low, Medium, High, Critical} }

// ParseSeverity reads a severity without regard to case.
func ParseSeverity(text string) (Severity, bool) {
	for _, s := range [...]Severity{Info, Low, Medium, High, Critical} {
		if len(text) == len(s) && strings.EqualFold(text, string(s)) {
			return s, true
		}
	}
	return "", false
}

// ParseType reads an alert type; case matters.
func ParseType(text string) (Type, bool) {
	switch t := Type(text); t {
	case Rule, RuleError, Policy, ScheduledRule, ScheduledRuleError, CorrelationRule, CorrelationRuleError, SystemError:
		return t, true
	}
	return "", false
}

// Alert is one finding to be made known. Lists may be nil; Context is the engine's JSON object byte for byte, or nil.
// An Alert is not changed after it was accepted, so it may be shared between goroutines.
type Alert struct {
	ID        string          `json:"alert_id,omitempty"`
	Type      Type            `json:"type"`
	CreatedAt Time            `json:"created_at,omitzero"`
	Link      string          `json:"link,omitempty"`
	LogTypes  []string        `json:"log_types,omitempty"`
	Dedup     string          `json:"dedup,omitempty"`
	Detection Detection       `json:"detection"`
	Generated Generated       `json:"generated,omitzero"`
	Context   json.RawMessage `json:"context,omitempty"`
}

// Detection is the static metadata of what found the alert. Destinations nil or empty means none set.
type Detection struct {
	ID           string   `json:"id"`
	Name         string   `json:"name,omitempty"`
	Version      string   `json:"version,omitempty"`
	Severity     string   `json:"severity"`
	Destinations []string `json:"destinations,omitempty"`
	Description  string   `json:"description,omitempty"`
	Runbook      string   `json:"runbook,omitempty"`
	Reference    string   `json:"reference,omitempty"`
	Tags         []string `json:"tags,omitempty"`
}

// Generated is what the detection's code returned for this event. A nil member was not generated; Destinations nil
// means not generated, while an empty list means "nowhere".
type Generated struct {
	Severity     *string  `json:"severity,omitempty"`
	Destinations []string `json:"destinations,omitzero"`
	Title        *string  `json:"title,omitempty"`
	Description  *string  `json:"description,omitempty"`
	Runbook      *string  `json:"runbook,omitempty"`
	Reference    *string  `json:"reference,omitempty"`
}

// Title returns the generated title, else the detection's name, else its id. Blank ones do not count.
func (a *Alert) Title() string {
	if t := a.Generated.Title; t != nil && strings.TrimSpace(*t) != "" {
		return *t
	}
	return a.Name()
}

// Name returns the detection's name, else its id.
func (a *Alert) Name() string {
	if strings.TrimSpace(a.Detection.Name) != "" {
		return a.Detection.Name
	}
	return a.Detection.ID
}

// Description returns the generated description, else the static one.
func (a *Alert) Description() string {
	return orStatic(a.Generated.Description, a.Detection.Description)
}

// Runbook returns the generated runbook, else the static one.
func (a *Alert) Runbook() string { return orStatic(a.Generated.Runbook, a.Detection.Runbook) }

// Reference returns the generated reference, else the static one.
func (a *Alert) Reference() string { return orStatic(a.Generated.Reference, a.Detection.Reference) }

func orStatic(generated *string, static string) string {
	if generated != nil {
		return *generated
	}
	return static
}

// MaxIDLength is the longest alert id, in characters.
const MaxIDLength = 256

// Fault is one wrong field of an alert; Field is a JSON pointer.
type Fault struct{ Field, Message string }

// Validate reports every field that the router cannot work with. It checks what the types do not: the contract's
// enums, required texts and formats.
func (a *Alert) Validate() []Fault {
	var faults []Fault
	add := func(field, format string, args ...any) {
		faults = append(faults, Fault{Field: field, Message: fmt.Sprintf(format, args...)})
	}
	if a.ID != "" && !visible(a.ID) {
		add("/alert_id", "must be 1 to %d visible ASCII characters, without spaces", MaxIDLength)
	}
	if a.Type == "" {
		add("/type", "is required: one of %s", join(Types()))
	} else if _, ok := ParseType(string(a.Type)); !ok {
		add("/type", "must be one of %s, not %q", join(Types()), clip(string(a.Type)))
	}
	if a.Detection.ID == "" {
		add("/detection/id", "is required")
	}
	if a.Detection.Severity == "" {
		add("/detection/severity", "is required: one of %s", join(Severities()))
	} else if _, ok := ParseSeverity(a.Detection.Severity); !ok {
		add("/detection/severity", "must be one of %s, not %q", join(Severities()), clip(a.Detection.Severity))
	}
	return faults
}

func visible(id string) bool {
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return len(id) <= MaxIDLength
}

func clip(text string) string {
	if len(text) > 40 {
		return strings.ToValidUTF8(text[:40], "") + "…"
	}
	return text
}

func join[T ~string](words []T) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = string(w)
	}
	return strings.Join(texts, ", ")
}

// Time is a time in the form of an AWSDateTime: `YYYY-MM-DDThh:mm`, seconds with up to nine fractional digits
// (optional), and an offset `Z`, `±hh:mm` or `±hh:mm:ss` (required).
type Time struct{ time.Time }

// UnmarshalText reads an AWSDateTime.
func (t *Time) UnmarshalText(text []byte) error {
	parsed, err := ParseTime(string(text))
	if err != nil {
		return err
	}
	t.Time = parsed
	return nil
}

// MarshalText writes the time in UTC as RFC 3339, with fractional digits only where there are some.
func (t Time) MarshalText() ([]byte, error) {
	return t.UTC().AppendFormat(nil, time.RFC3339Nano), nil
}

// UnmarshalJSON reads an AWSDateTime in quotes; null leaves the time unset.
func (t *Time) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*t = Time{}
		return nil
	}
	if len(data) < 2 || data[0] != '"' {
		return errTime
	}
	return t.UnmarshalText(data[1 : len(data)-1]) // a time has no character that needs an escape
}

// MarshalJSON writes what MarshalText writes, in quotes.
func (t Time) MarshalJSON() ([]byte, error) {
	return t.UTC().AppendFormat(nil, `"`+time.RFC3339Nano+`"`), nil
}
