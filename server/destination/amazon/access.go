// SPDX-License-Identifier: MPL-2.0

package amazon

import (
	"regexp"

	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// Access says who calls AWS and where; a type embeds it in its Config. With none of it set the server calls as itself:
// whoever may create destinations may have it do so.
type Access struct {
	AccessKeyID     string        `json:"access_key_id,omitempty"`
	SecretAccessKey secret.String `json:"secret_access_key,omitzero"`
	SessionToken    secret.String `json:"session_token,omitzero"`      // of keys that are temporary
	Profile         string        `json:"profile,omitempty"`           // in the server's AWS files
	RoleARN         string        `json:"role_arn,omitempty"`          // assumed with the credentials above
	ExternalID      string        `json:"external_id,omitempty"`       // what the role's trust policy may ask for
	RoleSessionName string        `json:"role_session_name,omitempty"` // "": DefaultSessionName
	Region          string        `json:"region,omitempty"`            // "": the one the topic or queue names
	EndpointURL     string        `json:"endpoint_url,omitempty"`      // "": AWS's own for the region
	STSEndpointURL  string        `json:"sts_endpoint_url,omitempty"`  // "": AWS's own for the region
}

// DefaultSessionName is the name of the role's session, which AWS's logs show.
const DefaultSessionName = "alertrouter"

// The forms of https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html and
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKey.html, but for the least length of a key's id, which
// emulators do not keep to. What a profile may be called is nowhere said.
var (
	keyID       = regexp.MustCompile(`^\w{1,128}$`)
	visible     = regexp.MustCompile(`^[!-~]+$`)
	profileName = regexp.MustCompile(`^[^\s\x00-\x1f\x7f\[\]]{1,255}$`)
	roleARN     = regexp.MustCompile(`^arn:aws(-[a-z]+)*:iam::\d{12}:role/[\w+=,.@/-]+$`)
	externalID  = regexp.MustCompile(`^[\w+=,.@:/-]{2,}$`)
	sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
)

const (
	maxExternalID = 1224
	maxRoleARN    = 2048
	maxSecret     = 16 << 10 // AWS gives session tokens no limit: they have some hundred characters
)

// Reporter takes down what is wrong with one field.
type Reporter func(name, format string, args ...any)

// Validate reports every wrong field. named is the region that the topic or queue names, as the member of that name;
// "" where it names none.
func (a Access) Validate(add Reporter, member, named string) {
	a.validateKeys(add)
	a.validateRole(add)
	switch {
	case a.Region == "" && named == "":
		add("/region", "is required, as %s does not name it", member)
	case a.Region != "" && !region.MatchString(a.Region):
		add("/region", "must be a region such as us-east-1")
	case a.Region != "" && named != "" && a.Region != named && a.EndpointURL == "":
		add("/region", "must be %s, which %s names, or be left out", named, member)
	}
	for name, address := range map[string]string{"/endpoint_url": a.EndpointURL, "/sts_endpoint_url": a.STSEndpointURL} {
		if address == "" {
			continue
		}
		if fault := outbound.CheckURL(address); fault != "" {
			add(name, "%s", fault)
		}
	}
}

func (a Access) validateKeys(add Reporter) {
	hasKey, hasSecret := a.AccessKeyID != "", a.SecretAccessKey.IsSet()
	switch {
	case hasKey && !keyID.MatchString(a.AccessKeyID):
		add("/access_key_id", "must be up to 128 letters and digits, such as AKIAIOSFODNN7EXAMPLE")
	case hasSecret && !hasKey:
		add("/access_key_id", "is required beside secret_access_key")
	}
	switch {
	case hasSecret && !isVisible(a.SecretAccessKey.Reveal()):
		add("/secret_access_key", "must be visible ASCII characters without spaces")
	case hasKey && !hasSecret:
		add("/secret_access_key", "is required beside access_key_id")
	}
	switch {
	case !a.SessionToken.IsSet():
	case !hasKey && !hasSecret:
		add("/session_token", "must not be set without access_key_id and secret_access_key")
	case !isVisible(a.SessionToken.Reveal()):
		add("/session_token", "must be visible ASCII characters without spaces")
	}
	switch {
	case a.Profile == "":
	case hasKey || hasSecret:
		add("/profile", "must not be set beside access_key_id")
	case !profileName.MatchString(a.Profile):
		add("/profile", "must be the name of a profile: up to 255 characters without spaces, brackets or control characters")
	}
}

func (a Access) validateRole(add Reporter) {
	if a.RoleARN == "" {
		for name, value := range map[string]string{
			"/external_id": a.ExternalID, "/role_session_name": a.RoleSessionName, "/sts_endpoint_url": a.STSEndpointURL,
		} {
			if value != "" {
				add(name, "must not be set without role_arn")
			}
		}
		return
	}
	if len(a.RoleARN) > maxRoleARN || !roleARN.MatchString(a.RoleARN) {
		add("/role_arn", "must be the ARN of a role, such as arn:aws:iam::123456789012:role/alerts")
	}
	if id := a.ExternalID; id != "" && (len(id) > maxExternalID || !externalID.MatchString(id)) {
		add("/external_id", "must be 2 to %d letters, digits and _+=,.@:/-", maxExternalID)
	}
	if a.RoleSessionName != "" && !sessionName.MatchString(a.RoleSessionName) {
		add("/role_session_name", "must be 2 to 64 letters, digits and _+=,.@-")
	}
}

func isVisible(text string) bool { return len(text) <= maxSecret && visible.MatchString(text) }
