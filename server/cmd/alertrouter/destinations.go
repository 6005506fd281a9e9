// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

type destinationCommands struct {
	Render renderCommand `cmd:"" help:"Show what an alert becomes for a destination; sends nothing."`
}

type renderCommand struct {
	remote
	ID      string `arg:"" optional:"" help:"The destination's id; with --draft, of the one that it would replace."`
	Alert   string `placeholder:"FILE" xor:"alert" help:"File with one alert as JSON, - is standard input; a sample when absent."`
	AlertID string `name:"alert-id" placeholder:"ID" xor:"alert" help:"The id of an accepted alert instead."`
	Draft   string `placeholder:"FILE" help:"File with a destination as the API creates it, - is standard input, in place of a saved one."`
}

// Run prints what a destination would be sent.
func (c *renderCommand) Run(ctx context.Context, s streams) error {
	if c.ID == "" && c.Draft == "" {
		return usageError{errors.New("name a destination by its id, or give one with --draft")}
	}
	api, err := c.client()
	if err != nil {
		return usageError{err}
	}
	body, err := c.body(s.in)
	if err != nil {
		return usageError{err}
	}
	r, err := c.render(ctx, api, body)
	if err != nil {
		return err
	}
	return c.print(s, r, func(t *table) {
		t.row("type", r.Type)
		t.row("severity", r.Severity)
		t.row("size", fmt.Sprintf("%d bytes", r.Bytes))
		if r.Truncated {
			t.row("truncated", "yes")
		}
		for _, note := range r.Notes {
			t.row("note", note)
		}
		var lines bytes.Buffer
		_ = json.Indent(&lines, r.Body, "", "  ") // it was read as JSON
		for line := range strings.Lines(lines.String()) {
			t.row(strings.TrimSuffix(line, "\n"))
		}
	})
}

func (c *renderCommand) render(ctx context.Context, api *client.ClientWithResponses, body []byte) (*client.RenderResult, error) {
	const media = "application/json"
	if c.Draft == "" {
		return client.OK(api.RenderDestinationWithBodyWithResponse(ctx, c.ID, media, bytes.NewReader(body)))
	}
	params := &client.RenderUnsavedDestinationParams{}
	if c.ID != "" {
		params.ID = &c.ID
	}
	return client.OK(api.RenderUnsavedDestinationWithBodyWithResponse(ctx, params, media, bytes.NewReader(body)))
}

// body is the request's. It is put together from the files as they are, since what is rendered is the very alert.
func (c *renderCommand) body(in io.Reader) ([]byte, error) {
	members := []byte("{")
	if c.Draft != "" {
		draft, err := readObject(c.Draft, in)
		if err != nil {
			return nil, err
		}
		members = bytes.TrimSpace(draft[:len(draft)-1])
	}
	add := func(name string, value []byte) {
		if len(members) > 1 {
			members = append(members, ',')
		}
		members = append(fmt.Appendf(members, "%q:", name), value...)
	}
	if c.Alert != "" {
		alert, err := readObject(c.Alert, in)
		if err != nil {
			return nil, err
		}
		add("alert", alert)
	}
	if c.AlertID != "" {
		id, err := json.Marshal(c.AlertID)
		if err != nil {
			return nil, err
		}
		add("alert_id", id)
	}
	return append(members, '}'), nil
}

func readObject(file string, in io.Reader) ([]byte, error) {
	raw, err := readFile(file, in)
	if err != nil {
		return nil, err
	}
	raw = bytes.TrimSpace(raw)
	if !json.Valid(raw) || raw[0] != '{' {
		return nil, fmt.Errorf("%s: is not a JSON object", file)
	}
	return raw, nil
}
