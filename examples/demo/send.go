// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// patience is how long deliveries may take altogether; they take milliseconds, and a second for the one tried again.
const patience = 20 * time.Second

// accepted is a sample that was sent.
type accepted struct {
	body    []byte
	alertID string
	title   string
}

// send posts every sample with a detection engine's token, and checks the route in each answer.
func (d *demo) send(ctx context.Context) error {
	token, err := d.plane.cli(ctx, "token", "create", "--role", "engine", "demo engine")
	if err != nil {
		return err
	}
	if d.engine, err = client.New(d.plane.url, token); err != nil {
		return err
	}
	d.sent = map[string]accepted{}
	for _, s := range samples {
		if err := d.sendOne(ctx, s); err != nil {
			return fmt.Errorf("send %s: %w", s.file, err)
		}
	}
	d.say("Sent the %d alerts of examples/alerts to POST /v1/alerts.\n", len(samples))
	return nil
}

func (d *demo) sendOne(ctx context.Context, s sample) error {
	body, err := os.ReadFile(filepath.Join(d.root, "examples", "alerts", s.file+".json"))
	if err != nil {
		return err
	}
	var a client.Alert
	if err := json.Unmarshal(body, &a); err != nil {
		return err
	}
	if s.busy {
		d.receiver.makeBusy(a.Detection.ID)
	}
	answer, err := client.Accepted(d.engine.AcceptAlertWithBodyWithResponse(ctx, "application/json", bytes.NewReader(body)))
	if err != nil {
		return err
	}
	d.sent[s.file] = accepted{body: body, alertID: answer.AlertID, title: *a.Generated.Title}
	return nil
}

// settle waits until every delivery ended, and makes a row of each sample.
func (d *demo) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	d.told = len(d.failures) // they belong to no row
	for _, s := range samples {
		alert, err := d.await(ctx, d.sent[s.file].alertID)
		if err != nil {
			return fmt.Errorf("%s: %w", s.file, err)
		}
		d.judge(s, alert)
	}
	return nil
}

// await polls an alert until none of its deliveries is open.
func (d *demo) await(ctx context.Context, alertID string) (*client.AlertDetail, error) {
	for {
		alert, err := client.OK(d.plane.api.GetAlertWithResponse(ctx, alertID))
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(alert.Deliveries, func(d client.Delivery) bool { return d.SettledAt == nil }) {
			return alert, nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nil, fmt.Errorf("its deliveries did not end within %s: %w", patience, ctx.Err())
		}
	}
}

// judge compares an alert whose deliveries ended, and what the receiver got, with what was expected.
func (d *demo) judge(s sample, alert *client.AlertDetail) {
	to, warnings := names(alert.Route.Destinations), codes(alert.Route.Warnings)
	d.expect(alert.Route.Scenario == s.scenario, "%s: got scenario %s, want %s", s.file, alert.Route.Scenario, s.scenario)
	d.expect(alert.Route.Severity == s.severity, "%s: got severity %s, want %s", s.file, alert.Route.Severity, s.severity)
	d.expect(slices.Equal(to, s.to), "%s: got destinations %q, want %q", s.file, to, s.to)
	d.expect(slices.Equal(warnings, s.warnings), "%s: got warnings %q, want %q", s.file, warnings, s.warnings)
	d.expect(len(alert.Deliveries) == len(s.to), "%s: got %d deliveries, want %d", s.file, len(alert.Deliveries), len(s.to))
	attempts := 1
	if s.busy {
		attempts = 2
	}
	for _, delivery := range alert.Deliveries {
		d.expect(delivery.State == client.DeliveryStateDELIVERED,
			"%s: got a delivery that is %s, want DELIVERED: %s", s.file, delivery.State, last(delivery))
		d.expect(len(delivery.Attempts) == attempts,
			"%s: got %d attempts, want %d: %s", s.file, len(delivery.Attempts), attempts, last(delivery))
	}
	for _, destination := range []string{soar, onCall, duty} {
		want := 0
		if slices.Contains(s.to, destination) {
			want = 1
		}
		got := d.receiver.count(destination, alert.AlertID, d.sent[s.file].title)
		d.expect(got == want, "%s: %s got it %d times, want %d", s.file, destination, got, want)
	}
	d.addRow(row{
		alert: s.file, scenario: string(alert.Route.Scenario),
		to: cmp.Or(strings.Join(to, ", "), "nowhere"), took: took(alert.AcceptedAt, alert.Deliveries), why: s.why,
	})
}

// repeat sends the first alert again, and then another one under its id.
func (d *demo) repeat(ctx context.Context) error {
	first := d.sent[samples[0].file]
	again, err := client.OK(d.engine.AcceptAlertWithBodyWithResponse(ctx, "application/json", bytes.NewReader(first.body)))
	if err != nil {
		return fmt.Errorf("send %s again: %w", samples[0].file, err)
	}
	d.expect(again.Duplicate && again.AlertID == first.alertID,
		"%s again: got duplicate %t, id %s, want true, %s", samples[0].file, again.Duplicate, again.AlertID, first.alertID)
	d.addRow(row{
		alert: "01 again", scenario: "(200, duplicate)", to: "(nothing sent)", why: "same alert_id, same content: sent once",
	})

	other := bytes.Replace(first.body, []byte(`"INFO"`), []byte(`"HIGH"`), 1)
	answer, err := d.engine.AcceptAlertWithBodyWithResponse(ctx, "application/json", bytes.NewReader(other))
	if err != nil {
		return fmt.Errorf("send another alert under the id of %s: %w", samples[0].file, err)
	}
	d.expect(answer.StatusCode() == http.StatusConflict,
		"another alert under the id of %s: got status %d, want 409", samples[0].file, answer.StatusCode())
	d.addRow(row{
		alert: "01 changed", scenario: "(409, conflict)", to: "(nothing sent)", why: "same alert_id, other content: refused",
	})
	return nil
}

// dispatch sends an alert that went nowhere by hand: first to a destination that does not allow it.
func (d *demo) dispatch(ctx context.Context) error {
	alert := d.sent[byHand]
	refused, err := d.plane.api.DispatchAlertWithResponse(ctx, alert.alertID, client.DispatchInput{Destinations: []string{onCall, duty}})
	if err != nil {
		return fmt.Errorf("dispatch %s: %w", byHand, err)
	}
	reason := client.Failure(refused).Error()
	d.expect(refused.StatusCode() == http.StatusUnprocessableEntity && strings.Contains(reason, duty),
		"%s by hand to %s and %s: got status %d (%s), want 422 that names %s", byHand, onCall, duty, refused.StatusCode(), reason, duty)
	sent := d.receiver.count(onCall, "", alert.title)
	d.expect(sent == 0, "%s by hand to %s and %s: %s got it %d times, want 0", byHand, onCall, duty, onCall, sent)
	d.addRow(row{
		alert: "13 by hand", scenario: "(422, refused)", to: "(nothing sent)", why: duty + " does not allow it, so nobody gets it",
	})

	done, err := client.Accepted(d.plane.api.DispatchAlertWithResponse(ctx, alert.alertID, client.DispatchInput{Destinations: []string{onCall}}))
	if err != nil {
		return fmt.Errorf("dispatch %s: %w", byHand, err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	detail, err := d.await(ctx, alert.alertID)
	if err != nil {
		return fmt.Errorf("dispatch %s: %w", byHand, err)
	}
	to := names(done.Route.Destinations)
	d.expect(done.Route.Scenario == client.ScenarioMANUAL && slices.Equal(to, []string{onCall}),
		"%s by hand: got scenario %s to %q, want MANUAL to %q", byHand, done.Route.Scenario, to, onCall)
	sent = d.receiver.count(onCall, "", alert.title)
	d.expect(sent == 1, "%s by hand: %s got it %d times, want 1", byHand, onCall, sent)
	d.addRow(row{
		alert: "13 by hand", scenario: string(done.Route.Scenario), to: strings.Join(to, ", "),
		took: took(done.Deliveries[0].CreatedAt, detail.Deliveries), why: "a person decided; no filter applies",
	})
	return nil
}

// expectNothingElseArrived compares all the receiver got with all that was to arrive.
func (d *demo) expectNothingElseArrived() {
	want := 2 // the test alert, and the one sent by hand
	for _, s := range samples {
		want += len(s.to)
	}
	d.expect(d.receiver.total() == want, "the receiver got %d messages in all, want %d", d.receiver.total(), want)
}
