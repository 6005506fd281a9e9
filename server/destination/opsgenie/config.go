// SPDX-License-Identifier: MPL-2.0

package opsgenie

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// Config is what a user sets. APIURL replaces the service's address; /v2/alerts is appended to it, unless it ends in it.
type Config struct {
	APIKey             secret.String             `json:"api_key,omitzero"`               // of an API integration
	Service            string                    `json:"service,omitempty"`              // a key of services
	Responders         []Responder               `json:"responders,omitempty"`           // whom an alert notifies
	VisibleTo          []Responder               `json:"visible_to,omitempty"`           // teams and users who see it without
	PriorityBySeverity map[alert.Severity]string `json:"priority_by_severity,omitempty"` // in place of the usual ones
	Tags               []string                  `json:"tags,omitempty"`                 // before the alert's
	Actions            []string                  `json:"actions,omitempty"`              // custom actions of the alert
	Details            map[string]string         `json:"details,omitempty"`              // beside the alert's
	Entity             string                    `json:"entity,omitempty"`               // "": the detection
	Source             string                    `json:"source,omitempty"`               // what alerts come from
	APIURL             string                    `json:"api_url,omitempty"`
}

// Responder names a team, user, escalation or schedule by one of its id, its name and, for a user, the username.
type Responder struct {
	Type     string `json:"type"`
	ID       string `json:"id,omitempty"`
	Name     string `json:"name,omitempty"`
	Username string `json:"username,omitempty"`
}

// services are the addresses by name. https://docs.opsgenie.com/docs/api-overview,
// https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2/api-group-integration-events/
var services = map[string]string{
	"opsgenie":                "https://api.opsgenie.com",
	"opsgenie_eu":             "https://api.eu.opsgenie.com",
	"jira_service_management": "https://api.atlassian.com/jsm/ops/integration",
}

// What a config may have. That of which Opsgenie says no limit has ours.
const (
	maxKey        = 255
	maxResponders = 50 // https://docs.opsgenie.com/docs/alert-api#create-alert
	maxName       = 255
	maxOwnDetails = 4_000 // half of what an alert may have, so that the alert's own have room
)

// SetDefaults fills in the service and the source.
func (c *Config) SetDefaults() {
	c.Service = "opsgenie"
	c.Source = "alertrouter"
}

// alerts returns where alerts are created.
func (c Config) alerts() string {
	base := c.APIURL
	if base == "" {
		base = services[c.Service]
	}
	u, err := url.Parse(base)
	if err != nil {
		return base
	}
	u.Path = strings.TrimSuffix(strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/alerts"), "/v2")
	return u.JoinPath("v2", "alerts").String()
}

// reporter takes down what is wrong with one field.
type reporter func(name, format string, args ...any)

// Validate reports every wrong field at once.
func (c Config) Validate() error {
	var fields []problem.Field
	add := func(name, format string, args ...any) {
		fields = append(fields, problem.Field{Name: name, Message: fmt.Sprintf(format, args...)})
	}
	c.validateAccess(add)
	validateResponders(add, "/responders", c.Responders, "team", "user", "escalation", "schedule")
	validateResponders(add, "/visible_to", c.VisibleTo, "team", "user")
	for _, severity := range slices.Sorted(maps.Keys(c.PriorityBySeverity)) {
		at := destination.Pointer("priority_by_severity", string(severity))
		if priorities[severity] == "" {
			add(at, "is not a severity: CRITICAL, HIGH, MEDIUM, LOW or INFO")
		} else if !isPriority(c.PriorityBySeverity[severity]) {
			add(at, "must be P1, P2, P3, P4 or P5")
		}
	}
	validateTexts(add, "/tags", c.Tags, maxTags, maxTag)
	validateTexts(add, "/actions", c.Actions, maxActions, maxAction)
	c.validateDetails(add)
	validateText(add, "/entity", c.Entity, maxEntity)
	validateText(add, "/source", c.Source, maxSource)
	return problem.InvalidFields(fields)
}

func (c Config) validateAccess(add reporter) {
	switch key := c.APIKey.Reveal(); {
	case !c.APIKey.IsSet():
		add("/api_key", "is required")
	case strings.HasPrefix(key, "GenieKey"):
		add("/api_key", "must be the key alone, without GenieKey before it")
	case len(key) > maxKey || key == "" || !destination.Visible(key):
		add("/api_key", "must be at most %d visible ASCII characters, without spaces", maxKey)
	}
	if c.Service != "" && services[c.Service] == "" {
		add("/service", "must be opsgenie, opsgenie_eu or jira_service_management")
	}
	if c.APIURL != "" {
		if fault := outbound.CheckURL(c.APIURL); fault != "" {
			add("/api_url", "%s", fault)
		}
	}
}

// validateResponders wants one way to name each. A user has a username in place of a name.
func validateResponders(add reporter, name string, responders []Responder, types ...string) {
	if len(responders) > maxResponders {
		add(name, "must be at most %d", maxResponders)
		return
	}
	for i, r := range responders {
		at := fmt.Sprintf("%s/%d", name, i)
		ways, label := []string{r.ID, r.Name}, "id and name"
		if r.Type == "user" {
			ways, label = []string{r.ID, r.Username}, "id and username"
		}
		switch {
		case !slices.Contains(types, r.Type):
			add(at+"/type", "must be one of %s", strings.Join(types, ", "))
		case r.Type == "user" && r.Name != "":
			add(at+"/name", "is not for a user: set id or username")
		case r.Type != "user" && r.Username != "":
			add(at+"/username", "is only for a user: set id or name")
		case (ways[0] == "") == (ways[1] == ""):
			add(at, "must have exactly one of %s", label)
		}
		validateText(add, at+"/id", r.ID, maxName)
		validateText(add, at+"/name", r.Name, maxName)
		validateText(add, at+"/username", r.Username, maxName)
	}
}

func (c Config) validateDetails(add reporter) {
	size := 0
	for _, key := range slices.Sorted(maps.Keys(c.Details)) {
		at := destination.Pointer("details", key)
		size += units.Of(key) + units.Of(c.Details[key])
		if key == "" || !destination.OneLine(key) {
			add(at, "must have a name of one line, without space around it")
		}
		validateText(add, at, c.Details[key], maxOwnDetails)
	}
	if size > maxOwnDetails {
		add("/details", "must have at most %d characters in all, names and values", maxOwnDetails)
	}
}

func validateTexts(add reporter, name string, texts []string, most, longest int) {
	if len(texts) > most {
		add(name, "must be at most %d", most)
	}
	for i, text := range texts {
		at := fmt.Sprintf("%s/%d", name, i)
		if text == "" {
			add(at, "must not be empty")
		}
		validateText(add, at, text, longest)
	}
}

// validateText wants what reaches Opsgenie as it stands.
func validateText(add reporter, name, text string, longest int) {
	if units.Of(text) > longest {
		add(name, "must be at most %d characters", longest)
	} else if !destination.OneLine(text) {
		add(name, "must be one line, without control characters and without space around it")
	}
}

func isPriority(text string) bool {
	return len(text) == 2 && text[0] == 'P' && text[1] >= '1' && text[1] <= '5'
}
