// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/alertrouter/terraform-provider-alertrouter/server"
)

type restoreCommand struct {
	output
	Data          string `env:"ALERTROUTER_DATA" default:"./alertrouter-data" help:"Data directory, in which there must be no store yet."`
	MasterKeyFile string `env:"ALERTROUTER_MASTER_KEY_FILE" placeholder:"FILE" help:"File with the master key; without it and ALERTROUTER_MASTER_KEY the one in the data directory, if there is one."`
	File          string `arg:"" help:"The backup."`
	Force         bool   `help:"Restore a backup some of whose records are damaged. A control plane leaves them out."`
}

func (*restoreCommand) cleansUp() {}

// Run restores a backup.
func (c *restoreCommand) Run(ctx context.Context, s streams) error {
	config := server.Config{Data: c.Data, MasterKeyFile: c.MasterKeyFile}
	config.SecretsFromEnvironment()
	r, err := server.Restore(ctx, config, c.File, c.Force)
	if errors.Is(err, server.ErrRecords) {
		return fmt.Errorf("%w\nrestore it all the same with --force", err)
	}
	if err != nil {
		return err
	}
	return c.print(s, r, func(t *table) {
		t.row(fmt.Sprintf("%s: %s", r.Path, inventory(r.Contents)))
		if r.KeyChecked {
			t.row("The master key opens it.")
		} else {
			t.row("It needs the master key of the server it was taken from. There is none here to check: give it before the start.")
		}
	})
}
