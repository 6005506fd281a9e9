// SPDX-License-Identifier: MPL-2.0

package webhook

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
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

// How the body is signed for receivers that know no Standard Webhooks, unless the config says otherwise: as GitHub does,
// https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
const (
	DefaultHMACHeader = "X-Hub-Signature-256"
	DefaultHMACFormat = "sha256=" + hexMark
)

// What stands for the signature in its format.
const (
	hexMark    = "{hex}"
	base64Mark = "{base64}"
)

func (c Config) hmacHeader() string { return cmp.Or(c.HMACHeader, DefaultHMACHeader) }

// bodySignature returns the HMAC-SHA256 of the body exactly as sent, in a format.
func bodySignature(key []byte, format string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	sum := mac.Sum(nil)
	return strings.NewReplacer(hexMark, hex.EncodeToString(sum), base64Mark, base64.StdEncoding.EncodeToString(sum)).Replace(format)
}
