// SPDX-License-Identifier: MPL-2.0

package asana

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// Config is what a user sets. Asana calls the ids of its things gids; a person may also be named by e-mail address, and the
// token's own by "me". The section is one of the first project.
type Config struct {
	AccessToken            secret.String             `json:"access_token,omitzero"` // of a person, or a service account
	ProjectGIDs            []string                  `json:"project_gids"`
	SectionGID             string                    `json:"section_gid,omitempty"`
	ParentGID              string                    `json:"parent_gid,omitempty"` // the task is its subtask, too
	Assignee               string                    `json:"assignee,omitempty"`
	Followers              []string                  `json:"followers,omitempty"`
	TagGIDs                []string                  `json:"tag_gids,omitempty"`
	CustomFields           string                    `json:"custom_fields,omitempty"` // a JSON object by gid
	SeverityCustomFieldGID string                    `json:"severity_custom_field_gid,omitempty"`
	SeverityEnumOptionGIDs map[alert.Severity]string `json:"severity_enum_option_gids,omitempty"`
	APIURL                 string                    `json:"api_url,omitempty"`
	render.Templates
}

const publicURL = "https://app.asana.com/api/1.0"

// A task is in at most 20 projects: https://developers.asana.com/reference/addprojectfortask. The other bounds are ours; Asana
// publishes none.
const (
	maxList         = 20
	maxToken        = 4096
	maxCustomFields = 16 << 10
	maxURLConfig    = 2048
	maxEmail        = 254
)

var (
	gidForm   = regexp.MustCompile(`^[0-9]{1,32}$`)
	emailForm = regexp.MustCompile(`^[!-?A-~]+@[!-?A-~]+$`)
	tokenForm = regexp.MustCompile(`^[!-~]+$`) // its form may change: https://developers.asana.com/docs/personal-access-token
)

// reporter takes down what is wrong with one member.
type reporter func(name, format string, args ...any)

// Validate reports every wrong member at once.
func (c Config) Validate() error {
	var fields []problem.Field
	add := func(name, format string, args ...any) {
		fields = append(fields, problem.Field{Name: name, Message: fmt.Sprintf(format, args...)})
	}
	c.validateToken(add)
	if len(c.ProjectGIDs) == 0 {
		add("/project_gids", "must name a project at least")
	}
	validateList(add, "project_gids", c.ProjectGIDs, gidFault)
	validateList(add, "tag_gids", c.TagGIDs, gidFault)
	validateList(add, "followers", c.Followers, userFault)
	for _, one := range []struct {
		name, value string
		fault       func(string) string
	}{
		{"/section_gid", c.SectionGID, gidFault},
		{"/parent_gid", c.ParentGID, gidFault},
		{"/assignee", c.Assignee, userFault},
		{"/severity_custom_field_gid", c.SeverityCustomFieldGID, gidFault},
		{"/custom_fields", c.CustomFields, customFieldsFault},
		{"/api_url", c.APIURL, apiURLFault},
	} {
		if one.value == "" {
			continue
		}
		if fault := one.fault(one.value); fault != "" {
			add(one.name, "%s", fault)
		}
	}
	c.validateSeverity(add)
	return problem.InvalidFields(append(fields, c.Templates.Validate(escape)...))
}

func (c Config) validateToken(add reporter) {
	token := c.AccessToken.Reveal()
	switch {
	case token == "":
		add("/access_token", "is required")
	case len(token) > maxToken || !tokenForm.MatchString(token):
		add("/access_token", "must be visible ASCII characters without spaces, at most %d", maxToken)
	}
}

// validateSeverity wants the field and its options together.
func (c Config) validateSeverity(add reporter) {
	switch {
	case c.SeverityCustomFieldGID == "" && len(c.SeverityEnumOptionGIDs) > 0:
		add("/severity_custom_field_gid", "is required beside severity_enum_option_gids")
	case c.SeverityCustomFieldGID != "" && len(c.SeverityEnumOptionGIDs) == 0:
		add("/severity_enum_option_gids", "is required beside severity_custom_field_gid")
	}
	if _, twice := c.customFields()[c.SeverityCustomFieldGID]; twice {
		add("/custom_fields", "must not set the field %s, which severity_custom_field_gid names", c.SeverityCustomFieldGID)
	}
	for _, severity := range slices.Sorted(maps.Keys(c.SeverityEnumOptionGIDs)) {
		name := "/severity_enum_option_gids/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(string(severity))
		if !slices.Contains(alert.Severities(), severity) {
			add(name, "is not a severity: those are INFO, LOW, MEDIUM, HIGH and CRITICAL")
		}
		if fault := gidFault(c.SeverityEnumOptionGIDs[severity]); fault != "" {
			add(name, "%s", fault)
		}
	}
}

func validateList(add reporter, name string, list []string, faultOf func(string) string) {
	if len(list) > maxList {
		add("/"+name, "must be at most %d", maxList)
	}
	for i, value := range list {
		if fault := faultOf(value); fault != "" {
			add(fmt.Sprintf("/%s/%d", name, i), "%s", fault)
		}
	}
}

func gidFault(gid string) string {
	if !gidForm.MatchString(gid) {
		return "must be a gid: the digits in the address of the thing in Asana"
	}
	return ""
}

func userFault(user string) string {
	if user != "me" && !gidForm.MatchString(user) && (len(user) > maxEmail || !emailForm.MatchString(user)) {
		return "must be a user's e-mail address or gid, or me for the token's own"
	}
	return ""
}

func customFieldsFault(text string) string {
	var fields map[string]jsontext.Value
	switch {
	case len(text) > maxCustomFields:
		return fmt.Sprintf("must be at most %d bytes", maxCustomFields)
	case json.Unmarshal([]byte(text), &fields) != nil || fields == nil:
		return "must be a JSON object of values by the gid of the field"
	}
	for gid := range fields {
		if !gidForm.MatchString(gid) {
			return "must have the gids of fields as names, which are digits"
		}
	}
	return ""
}

func apiURLFault(text string) string {
	if fault := outbound.CheckURL(text); fault != "" {
		return fault
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "is not a URL"
	case len(text) > maxURLConfig:
		return fmt.Sprintf("must be at most %d bytes", maxURLConfig)
	case u.RawQuery != "" || u.Fragment != "":
		return "must not have a query or a fragment"
	}
	return ""
}

// customFields returns the fields that every task gets; nil where the text is none or no JSON object.
func (c Config) customFields() map[string]jsontext.Value {
	var fields map[string]jsontext.Value
	_ = json.Unmarshal([]byte(c.CustomFields), &fields)
	return fields
}

// tasks returns where tasks are made and listed.
func (c Config) tasks() string {
	return strings.TrimRight(cmp.Or(c.APIURL, publicURL), "/") + "/tasks"
}
