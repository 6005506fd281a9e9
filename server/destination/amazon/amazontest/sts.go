// SPDX-License-Identifier: MPL-2.0

package amazontest

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"time"
)

// Role is a role that may be assumed.
type Role struct {
	ExternalID string        // what its trust policy asks for
	Lasts      time.Duration // how long its sessions last
}

// assumeRole does what https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html says.
func (a *AWS) assumeRole(w http.ResponseWriter, call Call) {
	v := call.Values
	role, ok := a.Roles[v["RoleArn"]]
	if !ok || role.ExternalID != v["ExternalId"] {
		Fault{
			Status: 403, Code: "AccessDenied",
			Message: "User: arn:aws:iam::123456789012:user/router is not authorized to perform: sts:AssumeRole on resource: " + v["RoleArn"],
		}.write(w, false)
		return
	}
	n := len(a.Calls("AssumeRole"))
	id := fmt.Sprintf("ASIASESSION%05d", n)
	key := Key{Secret: fmt.Sprintf("secretOfSession/%d", n), Token: fmt.Sprintf("tokenOfSession//%d==", n), Expires: time.Now().Add(role.Lasts)}
	a.Replace(id, key)
	writeXML(w, struct {
		XMLName    xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ AssumeRoleResponse"`
		ARN        string   `xml:"AssumeRoleResult>AssumedRoleUser>Arn"`
		User       string   `xml:"AssumeRoleResult>AssumedRoleUser>AssumedRoleId"`
		KeyID      string   `xml:"AssumeRoleResult>Credentials>AccessKeyId"`
		Secret     string   `xml:"AssumeRoleResult>Credentials>SecretAccessKey"`
		Token      string   `xml:"AssumeRoleResult>Credentials>SessionToken"`
		Expiration string   `xml:"AssumeRoleResult>Credentials>Expiration"`
		Request    string   `xml:"ResponseMetadata>RequestId"`
	}{
		ARN: "arn:aws:sts::123456789012:assumed-role/alerts/" + v["RoleSessionName"], User: "AROAEXAMPLE:" + v["RoleSessionName"],
		KeyID: id, Secret: key.Secret, Token: key.Token, Expiration: key.Expires.UTC().Format(time.RFC3339), Request: RequestID,
	})
}
