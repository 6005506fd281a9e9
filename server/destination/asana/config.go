// SPDX-License-Identifier: MPL-2.0

package asana

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
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

const publicURL = "https://app.asana.com"

// A task is in at most 20 projects: https://developers.asana.com/reference/addprojectfortask. The other bounds are ours; Asana
// publishes none.
const (
	maxList         = 20
	maxGID          = 32   // digits
	maxToken        = 4096 // its form may change: https://developers.asana.com/docs/personal-access-token
	maxCustomFields = 16 << 10
	maxEmail        = 254
)

var emailForm = regexp.MustCompile(`^[!-?A-~]+@[!-?A-~]+$`)

// Validate reports every wrong member at once.
func (c Config) Validate() error {
	var faults destination.Faults
	faults.Required("/access_token", c.AccessToken.Reveal(), destination.KeyFault(maxToken))
	if len(c.ProjectGIDs) == 0 {
		faults.Add("/project_gids", "must name a project at least")
	}
	faults.List("/project_gids", c.ProjectGIDs, maxList, gidFault)
	faults.List("/tag_gids", c.TagGIDs, maxList, gidFault)
	faults.List("/followers", c.Followers, maxList, userFault)
	faults.Optional("/section_gid", c.SectionGID, gidFault)
	faults.Optional("/parent_gid", c.ParentGID, gidFault)
	faults.Optional("/assignee", c.Assignee, userFault)
	faults.Optional("/custom_fields", c.CustomFields, customFieldsFault)
	faults.Optional("/api_url", c.APIURL, apiURLFault)
	c.validateSeverity(&faults)
	faults.Take(c.ValidateBody(escape, richTextFault))
	return faults.Err()
}

// validateSeverity wants the field and its options together.
func (c Config) validateSeverity(faults *destination.Faults) {
	faults.Optional("/severity_custom_field_gid", c.SeverityCustomFieldGID, gidFault)
	faults.BySeverity("/severity_enum_option_gids", c.SeverityEnumOptionGIDs, gidFault)
	switch {
	case c.SeverityCustomFieldGID == "" && len(c.SeverityEnumOptionGIDs) > 0:
		faults.Add("/severity_custom_field_gid", "is required beside severity_enum_option_gids")
	case c.SeverityCustomFieldGID != "" && len(c.SeverityEnumOptionGIDs) == 0:
		faults.Add("/severity_enum_option_gids", "is required beside severity_custom_field_gid")
	}
	if _, twice := c.customFields()[c.SeverityCustomFieldGID]; twice {
		faults.Add("/custom_fields", "must not set the field %s, which severity_custom_field_gid names", c.SeverityCustomFieldGID)
	}
}

// isGID reports whether a text can be the id of a thing in Asana.
func isGID(text string) bool { return destination.Digits(text, maxGID) }

func gidFault(gid string) string {
	if !isGID(gid) {
		return "must be a gid: the digits in the address of the thing in Asana"
	}
	return ""
}

func userFault(user string) string {
	if user != "me" && !isGID(user) && (len(user) > maxEmail || !emailForm.MatchString(user)) {
		return "must be a user's e-mail address or gid, or me for the token's own"
	}
	return ""
}

func customFieldsFault(text string) string {
	fields, ok := destination.JSONObject(text)
	switch {
	case len(text) > maxCustomFields:
		return fmt.Sprintf("must be at most %d bytes", maxCustomFields)
	case !ok:
		return "must be a JSON object of values by the gid of the field"
	}
	for gid := range fields {
		if !isGID(gid) {
			return "must have the gids of fields as names, which are digits"
		}
	}
	return ""
}

// customFields returns the fields that every task gets; nil where the text is none or no JSON object.
func (c Config) customFields() map[string]jsontext.Value {
	fields, _ := destination.JSONObject(c.CustomFields)
	return fields
}

// apiURLFault is the fault of an address that is none of the API.
func apiURLFault(text string) string {
	u, fault := destination.ParseURL(text)
	if fault == "" && strings.EqualFold(u.Host, "app.asana.com") && !apiPath.MatchString(u.Path) {
		return "must be the address of the API: leave it out for Asana itself"
	}
	return destination.BaseURLFault(text)
}

// apiPath matches the paths at Asana that tasks completes.
var apiPath = regexp.MustCompile(`^(/api(/1\.0(/tasks)?)?)?/?$`)

// tasks returns where tasks are made and listed.
func (c Config) tasks() string {
	return destination.Endpoint(cmp.Or(c.APIURL, publicURL), "api", "1.0", "tasks")
}
