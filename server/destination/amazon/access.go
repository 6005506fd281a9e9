// SPDX-License-Identifier: MPL-2.0

package amazon

import (
	"regexp"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
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

// The forms of https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html,
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html, where a path may have any visible character, and
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKey.html, but for the least length of a key's id, which
// emulators do not keep to. What a profile may be called is nowhere said.
var (
	keyID       = regexp.MustCompile(`^\w{1,128}$`)
	profileName = regexp.MustCompile(`^[^\s\x00-\x1f\x7f\[\]]{1,255}$`)
	roleARN     = regexp.MustCompile(`^arn:aws(-[a-z]+)*:iam::\d{12}:role/(?:[!-~]{1,510}/)?[\w+=,.@-]{1,64}$`)
	externalID  = regexp.MustCompile(`^[\w+=,.@:/-]{2,}$`)
	sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
)

const (
	maxExternalID = 1224
	maxRoleARN    = 2048
	maxSecret     = 16 << 10 // AWS gives session tokens no limit: they have some hundred characters
)

// Validate reports every wrong field. named is the region that the topic or queue names, as the member of that name;
// "" where it names none.
func (a Access) Validate(faults *destination.Faults, member, named string) {
	a.validateKeys(faults)
	a.validateRole(faults)
	switch {
	case a.Region == "" && named == "":
		faults.Add("/region", "is required, as %s does not name it", member)
	case a.Region != "" && !region.MatchString(a.Region):
		faults.Add("/region", "must be a region such as us-east-1")
	case a.Region != "" && named != "" && a.Region != named && a.EndpointURL == "":
		faults.Add("/region", "must be %s, which %s names, or be left out", named, member)
	}
	faults.Optional("/endpoint_url", a.EndpointURL, outbound.CheckURL)
	faults.Optional("/sts_endpoint_url", a.STSEndpointURL, outbound.CheckURL)
}

func (a Access) validateKeys(faults *destination.Faults) {
	hasKey, hasSecret := a.AccessKeyID != "", a.SecretAccessKey.IsSet()
	switch {
	case hasKey && !keyID.MatchString(a.AccessKeyID):
		faults.Add("/access_key_id", "must be up to 128 letters and digits, such as AKIAIOSFODNN7EXAMPLE")
	case hasSecret && !hasKey:
		faults.Add("/access_key_id", "is required beside secret_access_key")
	}
	if hasKey && !hasSecret {
		faults.Add("/secret_access_key", "is required beside access_key_id")
	}
	if a.SessionToken.IsSet() && !hasKey && !hasSecret {
		faults.Add("/session_token", "must not be set without access_key_id and secret_access_key")
	}
	faults.Optional("/secret_access_key", a.SecretAccessKey.Reveal(), destination.KeyFault(maxSecret))
	faults.Optional("/session_token", a.SessionToken.Reveal(), destination.KeyFault(maxSecret))
	switch {
	case a.Profile == "":
	case hasKey || hasSecret:
		faults.Add("/profile", "must not be set beside access_key_id")
	case !profileName.MatchString(a.Profile):
		faults.Add("/profile", "must be the name of a profile: up to 255 characters without spaces, brackets or control characters")
	}
}

func (a Access) validateRole(faults *destination.Faults) {
	if a.RoleARN == "" {
		for name, value := range map[string]string{
			"/external_id": a.ExternalID, "/role_session_name": a.RoleSessionName, "/sts_endpoint_url": a.STSEndpointURL,
		} {
			if value != "" {
				faults.Add(name, "must not be set without role_arn")
			}
		}
		return
	}
	if len(a.RoleARN) > maxRoleARN || !roleARN.MatchString(a.RoleARN) {
		faults.Add("/role_arn", "must be the ARN of a role, such as arn:aws:iam::123456789012:role/alerts")
	}
	if id := a.ExternalID; id != "" && (len(id) > maxExternalID || !externalID.MatchString(id)) {
		faults.Add("/external_id", "must be 2 to %d letters, digits and _+=,.@:/-", maxExternalID)
	}
	if a.RoleSessionName != "" && !sessionName.MatchString(a.RoleSessionName) {
		faults.Add("/role_session_name", "must be 2 to 64 letters, digits and _+=,.@-")
	}
}
