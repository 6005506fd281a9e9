// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/google/uuid"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

type alertCommands struct {
	Send sendCommand `cmd:"" help:"Send the alerts in files: JSON objects one after the other, or one a line."`
}

type sendCommand struct {
	remote
	Files []string `arg:"" name:"file" help:"Files with alerts; - is standard input."`
}

// batchSize is how many alerts go in one request, and batchBytes how large it may be.
const (
	batchSize  = 500
	batchBytes = 4 << 20
)

// Run sends every alert of every file, in order. Alerts without an id get one first, so that a request that is
// repeated after a lost answer makes no second alert. It fails if any alert was refused, after sending all.
func (c *sendCommand) Run(ctx context.Context, s streams) error {
	api, err := c.client()
	if err != nil {
		return usageError{err}
	}
	sender := &sender{api: api, streams: s, remote: c.remote}
	for _, file := range c.Files {
		if err := sender.file(ctx, file); err != nil {
			return err
		}
	}
	if err := sender.flush(ctx); err != nil {
		return err
	}
	sender.progress(true)
	if sender.refused > 0 {
		return fmt.Errorf("%d of %d alerts were refused", sender.refused, sender.sent)
	}
	return nil
}

// sender collects alerts into batches.
type sender struct {
	streams
	remote
	api           *client.ClientWithResponses
	batch         bytes.Buffer
	waiting       int
	sent, refused int
}

func (b *sender) file(ctx context.Context, name string) error {
	in := b.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return usageError{err}
		}
		defer f.Close()
		in = f
	}
	decoder := json.NewDecoder(in)
	for n := 1; ; n++ {
		var raw json.RawMessage
		err := decoder.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: alert %d is not JSON: %w", name, n, err)
		}
		line, err := oneLine(raw)
		if err != nil {
			return fmt.Errorf("%s: alert %d: %w", name, n, err)
		}
		if b.waiting == batchSize || b.waiting > 0 && b.batch.Len()+len(line) > batchBytes {
			if err := b.flush(ctx); err != nil {
				return err
			}
		}
		b.batch.Write(line)
		b.waiting++
	}
}

// oneLine takes the line breaks out of a JSON object and gives it an alert_id if it has none.
func oneLine(raw json.RawMessage) ([]byte, error) {
	var line bytes.Buffer
	if err := json.Compact(&line, raw); err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, errors.New("an alert is a JSON object")
	}
	text := line.Bytes()
	if _, ok := members["alert_id"]; !ok {
		rest := bytes.TrimPrefix(text, []byte("{"))
		comma := ","
		if len(members) == 0 {
			comma = ""
		}
		text = fmt.Appendf(nil, `{"alert_id":%q%s%s`, uuid.Must(uuid.NewV7()).String(), comma, rest)
	}
	return append(text, '\n'), nil
}

func (b *sender) flush(ctx context.Context) error {
	if b.waiting == 0 {
		return nil
	}
	results, err := b.api.AcceptBatch(ctx, bytes.NewReader(b.batch.Bytes()))
	if err != nil {
		return fmt.Errorf("after %d alerts: %w", b.sent, err)
	}
	b.batch.Reset()
	b.waiting = 0
	for _, r := range results {
		if err := b.report(r); err != nil {
			return err
		}
	}
	b.progress(false)
	return nil
}

func (b *sender) report(r client.BatchResult) error {
	b.sent++
	if r.Status >= 300 {
		b.refused++
	}
	if b.Output == "json" {
		return json.NewEncoder(b.out).Encode(r) // one a line, as they came
	}
	return b.print(b.streams, r, func(t *table) {
		switch {
		case r.Status >= 300:
			t.row(fmt.Sprintf("alert %d", b.sent), "REFUSED", describe(r))
		case r.Duplicate != nil && *r.Duplicate:
			t.row(*r.AlertID, "REPEATED", destinations(r.Route))
		default:
			t.row(*r.AlertID, r.Route.Scenario, destinations(r.Route))
		}
	})
}

// progress tells how far a long input has come, on a terminal.
func (b *sender) progress(done bool) {
	f, ok := b.err.(*os.File)
	if !ok || b.sent < batchSize {
		return
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return
	}
	fmt.Fprintf(f, "\r%d alerts sent, %d refused", b.sent, b.refused)
	if done {
		fmt.Fprintln(f)
	}
}

func describe(r client.BatchResult) string {
	parts := []string{}
	if r.Detail != nil {
		parts = append(parts, *r.Detail)
	}
	for _, e := range r.Errors {
		parts = append(parts, e.Field+" "+e.Message)
	}
	return strings.Join(parts, "; ")
}

func destinations(r *client.Route) string {
	if r == nil || len(r.Destinations) == 0 {
		return "nowhere"
	}
	names := make([]string, len(r.Destinations))
	for i, d := range r.Destinations {
		names[i] = d.DisplayName
	}
	return strings.Join(names, ", ")
}

type routeCommands struct {
	Preview previewCommand `cmd:"" help:"Show where an alert would go and why; sends nothing."`
}

type previewCommand struct {
	remote
	File string `arg:"" help:"File with one alert as JSON; - is standard input."`
}

// Run prints the route of one alert.
func (c *previewCommand) Run(ctx context.Context, s streams) error {
	api, err := c.client()
	if err != nil {
		return usageError{err}
	}
	raw, err := readFile(c.File, s.in)
	if err != nil {
		return usageError{err}
	}
	r, err := client.OK(api.PreviewRouteWithBodyWithResponse(ctx, "application/json", bytes.NewReader(raw)))
	if err != nil {
		return err
	}
	return c.print(s, r, func(t *table) {
		t.row("scenario", r.Scenario)
		t.row("severity", r.Severity)
		for _, d := range r.Destinations {
			t.row("goes to", d.DisplayName+" ("+d.Type+")")
		}
		for _, d := range r.Rejected {
			t.row("not to", d.DisplayName+" ("+d.Type+"): "+d.Message)
		}
		for _, w := range r.Warnings {
			t.row("warning", w.Message)
		}
	})
}

func readFile(name string, in io.Reader) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(name)
}
