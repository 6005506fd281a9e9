// SPDX-License-Identifier: MPL-2.0

package webhook

import (
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// TestSignature_KnownVector is the vendor's own:
// https://github.com/standard-webhooks/standard-webhooks/blob/main/libraries/go/webhook_test.go
func TestSignature_KnownVector(t *testing.T) {
	t.Parallel()
	key, err := parseKey(secret.New("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
	if err != nil {
		t.Fatal(err)
	}
	got := signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestBodySignature_KnownVector is the vendor's own:
// https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
func TestBodySignature_KnownVector(t *testing.T) {
	t.Parallel()
	got := bodySignature([]byte("It's a Secret to Everybody"), DefaultHMACFormat, []byte("Hello, World!"))
	if want := "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
