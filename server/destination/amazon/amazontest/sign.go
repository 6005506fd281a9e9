// SPDX-License-Identifier: MPL-2.0

package amazontest

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// authorization is the header of https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
var authorization = regexp.MustCompile(
	`^AWS4-HMAC-SHA256 Credential=(\w+)/\d{8}/([a-z0-9-]+)/([a-z]+)/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=[0-9a-f]{64}$`)

// identify finds out who signed a request, by signing it again.
func (a *AWS) identify(r *http.Request, body []byte) (id, scope string, _ *Fault) {
	parts := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	if parts == nil {
		return "", "", &Fault{Status: 403, Code: "MissingAuthenticationToken", Message: "Request is missing Authentication Token"}
	}
	id, region, service := parts[1], parts[2], parts[3]
	scope = region + "/" + service
	a.mu.Lock()
	key, ok := a.keys[id]
	a.mu.Unlock()
	token := r.Header.Get("X-Amz-Security-Token")
	switch {
	case !ok || token != key.Token:
		return id, scope, &Fault{
			Status: 403, Code: "InvalidClientTokenId", Shape: "UnrecognizedClientException",
			Message: "The security token included in the request is invalid.",
		}
	case !key.Expires.IsZero() && time.Now().After(key.Expires):
		return id, scope, &Fault{
			Status: 403, Code: "ExpiredToken", Shape: "ExpiredTokenException",
			Message: "The security token included in the request is expired",
		}
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		a.t.Errorf("the date of the request: %v", err)
	}
	again, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+r.Host+r.URL.RequestURI(), http.NoBody)
	if err != nil {
		a.t.Error(err)
	}
	for name := range strings.SplitSeq(parts[4], ";") {
		switch name {
		case "host", "x-amz-date", "x-amz-security-token":
		case "content-length":
			again.ContentLength, _ = strconv.ParseInt(r.Header.Get(name), 10, 64)
			again.ContentLength = int64(len(body))
		default:
			again.Header[http.CanonicalHeaderKey(name)] = r.Header.Values(name)
		}
	}
	sum := sha256.Sum256(body)
	credentials := aws.Credentials{AccessKeyID: id, SecretAccessKey: key.Secret, SessionToken: key.Token}
	if err := v4.NewSigner().SignHTTP(r.Context(), credentials, again, hex.EncodeToString(sum[:]), service, region, at); err != nil {
		a.t.Error(err)
	}
	if again.Header.Get("Authorization") != r.Header.Get("Authorization") {
		return id, scope, &Fault{
			Status: 403, Code: "SignatureDoesNotMatch", Shape: "InvalidSignatureException",
			Message: "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.",
		}
	}
	return id, scope, nil
}
