// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"

	"github.com/alertrouter/terraform-provider-alertrouter/server"
)

type storeCommands struct {
	Compact compactCommand `cmd:"" help:"Make the store's file as small as what it holds. There must be room for both."`
	Check   checkCommand   `cmd:"" help:"Look at every page and every record of the store, or of a backup."`
}

type compactCommand struct {
	output
	Data string `env:"ALERTROUTER_DATA" default:"./alertrouter-data" help:"Data directory with the store."`
}

func (*compactCommand) cleansUp() {}

// Run compacts the store.
func (c *compactCommand) Run(ctx context.Context, s streams) error {
	before, after, err := server.CompactStore(ctx, server.Config{Data: c.Data})
	if err != nil {
		return err
	}
	sizes := struct {
		Before int64 `json:"bytes_before"`
		After  int64 `json:"bytes_after"`
	}{before, after}
	return c.print(s, sizes, func(t *table) { t.row(fmt.Sprintf("%d bytes, before %d", after, before)) })
}

type checkCommand struct {
	output
	Data string `env:"ALERTROUTER_DATA" default:"./alertrouter-data" help:"Data directory with the store."`
	File string `arg:"" optional:"" help:"A backup to look at instead."`
}

// Run looks at the store.
func (c *checkCommand) Run(ctx context.Context, s streams) error {
	var contents server.Contents
	var err error
	if c.File != "" {
		contents, err = server.CheckBackup(ctx, c.File)
	} else {
		contents, err = server.CheckStore(ctx, server.Config{Data: c.Data})
	}
	if err != nil {
		return err
	}
	return c.print(s, contents, func(t *table) { t.row("sound: " + inventory(contents)) })
}
