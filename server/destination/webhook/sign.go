// SPDX-License-Identifier: MPL-2.0

package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// The form of a signing secret:
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#symmetric
const (
	keyPrefix = "whsec_"
	minKey    = 24
	maxKey    = 64
)

var errKey = errors.New(`must be "whsec_" followed by 24 to 64 random bytes in base64`)

func parseKey(s secret.String) ([]byte, error) {
	encoded, ok := strings.CutPrefix(s.Reveal(), keyPrefix)
	if !ok {
		return nil, errKey
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(key) < minKey || len(key) > maxKey {
		return nil, errKey // the decoder's own error would quote the secret
	}
	return key, nil
}

// signature returns what stands in webhook-signature: the version of the scheme and the MAC over id, timestamp and
// the body exactly as sent.
func signature(key []byte, id, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
