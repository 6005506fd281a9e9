// SPDX-License-Identifier: MPL-2.0

// Package seal encrypts secrets at rest.
//
// A master key, which never enters the store, opens a keyset; the keyset seals each secret with AES-256-GCM bound to
// where it belongs, so that a sealed value cannot be moved to another destination or member. The keyset also holds the
// key of the fingerprints that tell whether a secret changed.
package seal

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// MasterKey opens the keyset.
type MasterKey [32]byte

// NewMasterKey makes a random key.
func NewMasterKey() MasterKey {
	var k MasterKey
	_, _ = rand.Read(k[:]) // never fails
	return k
}

// ParseMasterKey reads a key's text form: 32 bytes in base64. Space around it is ignored.
func ParseMasterKey(text []byte) (MasterKey, error) {
	raw, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(raw) != len(MasterKey{}) {
		return MasterKey{}, errors.New("a master key is 32 bytes in base64, as `openssl rand -base64 32` makes")
	}
	return MasterKey(raw), nil
}

// Text returns the key's text form. It is the secret itself.
func (k MasterKey) Text() string { return base64.StdEncoding.EncodeToString(k[:]) }

// String hides the key.
func (k MasterKey) String() string { return "[secret]" }

// GoString hides the key.
func (k MasterKey) GoString() string { return "[secret]" }

// Sealer seals and opens secrets. It is safe for concurrent use.
type Sealer struct {
	aead        tink.AEAD
	fingerprint []byte
}

// keys is the keyset as it is sealed under the master key.
type keys struct {
	AEAD        []byte `json:"aead"` // a Tink keyset
	Fingerprint []byte `json:"fingerprint"`
}

var keysetContext = []byte("alertrouter keyset v1")

// NewKeyset makes a keyset and seals it under a master key.
func NewKeyset(master MasterKey) ([]byte, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("make a keyset: %w", err)
	}
	root, err := subtle.NewAESGCM(master[:])
	if err != nil {
		return nil, fmt.Errorf("make a keyset: %w", err)
	}
	var plain bytes.Buffer
	if err := handle.WriteWithAssociatedData(keyset.NewBinaryWriter(&plain), root, keysetContext); err != nil {
		return nil, fmt.Errorf("make a keyset: %w", err)
	}
	k := keys{AEAD: plain.Bytes(), Fingerprint: make([]byte, 32)}
	_, _ = rand.Read(k.Fingerprint) // never fails
	raw, err := json.Marshal(k)
	if err != nil {
		return nil, fmt.Errorf("make a keyset: %w", err)
	}
	return root.Encrypt(raw, keysetContext)
}

// Open opens a keyset that NewKeyset made.
func Open(master MasterKey, sealed []byte) (*Sealer, error) {
	root, err := subtle.NewAESGCM(master[:])
	if err != nil {
		return nil, fmt.Errorf("open the keyset: %w", err)
	}
	raw, err := root.Decrypt(sealed, keysetContext)
	if err != nil {
		return nil, errors.New("the master key does not open this store's keyset: is it the key the store was made with?")
	}
	var k keys
	if err := json.Unmarshal(raw, &k); err != nil {
		return nil, fmt.Errorf("open the keyset: %w", err)
	}
	handle, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(k.AEAD)), root, keysetContext)
	if err != nil {
		return nil, fmt.Errorf("open the keyset: %w", err)
	}
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("open the keyset: %w", err)
	}
	return &Sealer{aead: primitive, fingerprint: k.Fingerprint}, nil
}

// Seal encrypts a secret for one place, such as a destination's id and member name.
func (s *Sealer) Seal(place string, plain []byte) ([]byte, error) {
	return s.aead.Encrypt(plain, []byte(place))
}

// Open decrypts what Seal made for the same place.
func (s *Sealer) Open(place string, sealed []byte) ([]byte, error) {
	plain, err := s.aead.Decrypt(sealed, []byte(place))
	if err != nil {
		return nil, fmt.Errorf("open the secret of %s: %w", place, err)
	}
	return plain, nil
}

// Fingerprint returns 16 hexadecimal digits that change when the secret does and tell nothing else: they are keyed,
// and differ between places that hold the same secret.
func (s *Sealer) Fingerprint(place string, plain []byte) string {
	mac := hmac.New(sha256.New, s.fingerprint)
	fmt.Fprintf(mac, "%d:%s", len(place), place)
	mac.Write(plain)
	return hex.EncodeToString(mac.Sum(nil)[:8])
}
