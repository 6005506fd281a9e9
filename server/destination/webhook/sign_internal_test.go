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
