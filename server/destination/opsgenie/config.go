// SPDX-License-Identifier: MPL-2.0

package opsgenie

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
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
	return destination.Endpoint(base, "v2", "alerts")
}

// Validate reports every wrong field at once.
func (c Config) Validate() error {
	var faults destination.Faults
	faults.Required("/api_key", c.APIKey.Reveal(), keyFault)
	faults.Optional("/service", c.Service, destination.OneOf(slices.Sorted(maps.Keys(services))...))
	validateResponders(&faults, "/responders", c.Responders, "team", "user", "escalation", "schedule")
	validateResponders(&faults, "/visible_to", c.VisibleTo, "team", "user")
	faults.BySeverity("/priority_by_severity", c.PriorityBySeverity, destination.OneOf("P1", "P2", "P3", "P4", "P5"))
	faults.List("/tags", c.Tags, maxTags, named(maxTag))
	faults.List("/actions", c.Actions, maxActions, named(maxAction))
	faults.Details("/details", c.Details, maxOwnDetails, units.Of)
	faults.Optional("/entity", c.Entity, text(maxEntity))
	faults.Optional("/source", c.Source, text(maxSource))
	faults.Optional("/api_url", c.APIURL, outbound.CheckURL)
	return faults.Err()
}

func keyFault(key string) string {
	if strings.HasPrefix(key, "GenieKey") {
		return "must be the key alone, without GenieKey before it"
	}
	return destination.KeyFault(maxKey)(key)
}

// validateResponders wants one way to name each. A user has a username in place of a name.
func validateResponders(faults *destination.Faults, name string, responders []Responder, types ...string) {
	if len(responders) > maxResponders {
		faults.Add(name, "must be at most %d", maxResponders)
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
			faults.Add(at+"/type", "must be one of %s", strings.Join(types, ", "))
		case r.Type == "user" && r.Name != "":
			faults.Add(at+"/name", "is not for a user: set id or username")
		case r.Type != "user" && r.Username != "":
			faults.Add(at+"/username", "is only for a user: set id or name")
		case (ways[0] == "") == (ways[1] == ""):
			faults.Add(at, "must have exactly one of %s", label)
		}
		faults.Optional(at+"/id", r.ID, text(maxName))
		faults.Optional(at+"/name", r.Name, text(maxName))
		faults.Optional(at+"/username", r.Username, text(maxName))
	}
}

// text returns the faultOf a text that reaches Opsgenie as it stands, of so many characters at the most.
func text(longest int) func(text string) string {
	return func(text string) string {
		if units.Of(text) > longest {
			return fmt.Sprintf("must be at most %d characters", longest)
		}
		return destination.OneLineFault(text)
	}
}

// named is text for one that must not be empty.
func named(longest int) func(text string) string {
	return func(name string) string {
		if name == "" {
			return "must not be empty"
		}
		return text(longest)(name)
	}
}
