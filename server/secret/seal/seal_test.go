// SPDX-License-Identifier: MPL-2.0

package seal_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/secret/seal"
)

func newSealer(t *testing.T) (seal.MasterKey, []byte, *seal.Sealer) {
	t.Helper()
	master := seal.NewMasterKey()
	keyset, err := seal.NewKeyset(master)
	if err != nil {
		t.Fatal(err)
	}
	s, err := seal.Open(master, keyset)
	if err != nil {
		t.Fatal(err)
	}
	return master, keyset, s
}

func TestSealer_OpensWhatItSealedAlsoAfterReopening(t *testing.T) {
	t.Parallel()
	master, keyset, s := newSealer(t)
	sealed, err := s.Seal("d1/webhook_url", []byte("https://hooks.example/x"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("hooks.example")) {
		t.Fatal("the sealed form shows the secret")
	}
	again, err := seal.Open(master, keyset)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := again.Open("d1/webhook_url", sealed)
	if err != nil || string(plain) != "https://hooks.example/x" {
		t.Fatalf("got %q, %v", plain, err)
	}
	if got, want := again.Fingerprint("p", plain), s.Fingerprint("p", plain); got != want {
		t.Errorf("the fingerprint changed over a reopening: %s, %s", got, want)
	}
}

func TestSealer_RefusesASecretMovedToAnotherPlace(t *testing.T) {
	t.Parallel()
	_, _, s := newSealer(t)
	sealed, err := s.Seal("d1/webhook_url", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open("d2/webhook_url", sealed); err == nil {
		t.Error("a secret sealed for d1 opened for d2")
	}
}

func TestOpen_RefusesAnotherMasterKey(t *testing.T) {
	t.Parallel()
	_, keyset, _ := newSealer(t)
	_, err := seal.Open(seal.NewMasterKey(), keyset)
	if err == nil || !strings.Contains(err.Error(), "master key does not open") {
		t.Errorf("got %v, want an error that says the master key is not the right one", err)
	}
}

func TestFingerprint_DiffersBetweenPlacesAndSecrets(t *testing.T) {
	t.Parallel()
	_, _, s := newSealer(t)
	seen := map[string]bool{}
	for _, place := range []string{"d1/a", "d1/b", "d2/a"} {
		for _, plain := range []string{"one", "two"} {
			seen[s.Fingerprint(place, []byte(plain))] = true
		}
	}
	if len(seen) != 6 {
		t.Errorf("got %d different fingerprints, want 6", len(seen))
	}
}

func TestMasterKey_RoundTripsAsTextAndPrintsAsNothing(t *testing.T) {
	t.Parallel()
	k := seal.NewMasterKey()
	again, err := seal.ParseMasterKey([]byte(" " + k.Text() + "\n"))
	if err != nil || again != k {
		t.Fatalf("got %v, want the same key", err)
	}
	for _, text := range []string{fmt.Sprint(k), fmt.Sprintf("%v %+v %#v %s", k, k, k, k)} {
		if strings.Contains(text, k.Text()) || strings.Contains(text, fmt.Sprint(k[0])) {
			t.Errorf("the key shows in %q", text)
		}
	}
	for _, bad := range []string{"", "short", strings.Repeat("A", 44)} {
		if _, err := seal.ParseMasterKey([]byte(bad)); err == nil {
			t.Errorf("%q was taken for a master key", bad)
		}
	}
}
