// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
	"github.com/alertrouter/terraform-provider-alertrouter/server"
)

type backupCommand struct {
	remote
	File  string `arg:"" help:"Where to write it; - is standard output, where it is not looked at."`
	Force bool   `help:"Replace FILE if there is one."`
}

func (*backupCommand) cleansUp() {}

// saved is what the command reports.
type saved struct {
	server.Contents

	File   string `json:"file"`
	SHA256 string `json:"sha256"`
}

// Run downloads a backup. FILE appears when it is complete, on disk, and found to be sound.
func (c *backupCommand) Run(ctx context.Context, s streams) error {
	if _, err := os.Stat(c.File); err == nil && !c.Force && c.File != "-" {
		return usageError{fmt.Errorf("there is a file %s already; --force replaces it", c.File)}
	}
	api, err := c.client()
	if err != nil {
		return usageError{err}
	}
	if c.File == "-" {
		_, err := download(ctx, api, s.out)
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(c.File), "."+filepath.Base(c.File)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	sum, err := download(ctx, api, temporary)
	if err := errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	contents, damage := server.CheckBackup(ctx, temporary.Name())
	if damage != nil && !errors.Is(damage, server.ErrRecords) {
		return fmt.Errorf("what was downloaded is no backup: %w", damage)
	}
	if err := c.place(temporary.Name()); err != nil {
		return err
	}
	r := saved{Contents: contents, File: c.File, SHA256: sum}
	err = c.print(s, r, func(t *table) {
		t.row(fmt.Sprintf("%s: %s", c.File, inventory(contents)))
		t.row("SHA-256: " + sum)
	})
	if damage != nil {
		return errors.Join(err, fmt.Errorf("%s is saved, but in the store, and so in it, %w", c.File, damage))
	}
	return err
}

// place gives the file its name.
func (c *backupCommand) place(temporary string) error {
	if _, err := os.Lstat(c.File); !c.Force && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is a file %s by now; --force replaces it", c.File)
	}
	if err := os.Rename(temporary, c.File); err != nil {
		return err
	}
	if d, err := os.Open(filepath.Dir(c.File)); err == nil {
		_ = d.Sync() // not every system can, and none needs it to go on
		d.Close()
	}
	return nil
}

// download writes a backup to w, and returns its SHA-256.
func download(ctx context.Context, api *client.ClientWithResponses, w io.Writer) (string, error) {
	sum := sha256.New()
	if _, err := api.Backup(ctx, io.MultiWriter(w, sum)); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// inventory tells people what a store holds.
func inventory(c server.Contents) string {
	return fmt.Sprintf("%d bytes, %d destinations, %d alerts, %d deliveries of which %d are owed", c.Bytes, c.Destinations, c.Alerts, c.Deliveries, c.Open)
}
