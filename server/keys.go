// SPDX-License-Identifier: MPL-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"github.com/alertrouter/terraform-provider-alertrouter/server/auth"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret/seal"
)

// keysetStore is what opening the sealer asks of a store.
type keysetStore interface {
	Keyset(ctx context.Context, candidate []byte) ([]byte, error)
}

// openSealer opens the store's keyset with the master key. Both are made at the first start.
func openSealer(ctx context.Context, c Config, store keysetStore, log *slog.Logger) (*seal.Sealer, error) {
	sealed, err := store.Keyset(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("read the keyset: %w", err)
	}
	master, err := masterKey(c, len(sealed) == 0, log)
	if err != nil {
		return nil, err
	}
	if len(sealed) == 0 {
		candidate, err := seal.NewKeyset(master)
		if err != nil {
			return nil, err
		}
		if sealed, err = store.Keyset(ctx, candidate); err != nil {
			return nil, fmt.Errorf("store the keyset: %w", err)
		}
	}
	return seal.Open(master, sealed)
}

// masterKey reads the key; for a store without a keyset it makes one where there is none.
func masterKey(c Config, first bool, log *slog.Logger) (seal.MasterKey, error) {
	if c.MasterKey.IsSet() {
		key, err := seal.ParseMasterKey([]byte(c.MasterKey.Reveal()))
		if err != nil {
			return key, fmt.Errorf("read ALERTROUTER_MASTER_KEY: %w", err)
		}
		return key, nil
	}
	path := c.MasterKeyFile
	if path == "" {
		path = filepath.Join(c.Data, "master.key")
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && c.MasterKeyFile == "" && first {
		key := seal.NewMasterKey()
		log.Warn("made a master key; keep a copy of it apart from the store's backups", "path", path)
		return key, writeSecretFile(path, secret.New(key.Text()))
	}
	if err != nil {
		return seal.MasterKey{}, fmt.Errorf("read the master key: %w", err)
	}
	key, err := seal.ParseMasterKey(text)
	if err != nil {
		return key, fmt.Errorf("read the master key in %s: %w", path, err)
	}
	return key, nil
}

// ensureAdminToken makes the first token of a store that has none: the one the environment names, or a random one
// written to a file that only its owner can read.
func ensureAdminToken(ctx context.Context, c Config, tokens *auth.Keeper, log *slog.Logger) error {
	if len(tokens.List()) > 0 {
		if _, err := tokens.Identify(c.AdminToken); c.AdminToken.IsSet() && err != nil {
			log.Warn("ALERTROUTER_ADMIN_TOKEN is passed over: this store has tokens, and that is none of them")
		}
		return nil
	}
	token := c.AdminToken
	if !token.IsSet() {
		token = auth.NewSecret()
		path := filepath.Join(c.Data, "admin-token")
		if err := writeSecretFile(path, token); err != nil {
			return err
		}
		log.Info("made an admin token", "path", path)
	}
	_, _, err := tokens.Create(ctx, auth.Token{
		ID: uuid.Must(uuid.NewV7()).String(), Name: "first admin", Role: "admin", Permissions: auth.Permissions(),
		Hash: auth.HashOf(token), CreatedAt: c.Now().UTC(),
	})
	return err
}

// writeSecretFile writes a file that only its owner can read, whole or not at all.
func writeSecretFile(path string, s secret.String) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.WriteString(s.Reveal() + "\n")
	err = errors.Join(err, temporary.Sync(), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
