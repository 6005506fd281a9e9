// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
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

// demo is one run.
type demo struct {
	report
	keep bool
	bin  string // where the programs are; built when empty

	root      string // of the repository
	dir       string // temporary: all that the demo writes is in here
	receiver  *receiver
	plane     *controlPlane
	terraform *terraform
	engine    *client.ClientWithResponses // with a detection engine's token

	sent map[string]accepted // by sample file
}

// accepted is a sample that was sent.
type accepted struct {
	body    []byte
	alertID string
	title   string
}

// run runs the demo. It fails if anything could not be done or an expectation did not hold, and leaves nothing behind.
func (d *demo) run(ctx context.Context) (err error) {
	if d.dir, err = os.MkdirTemp("", "alertrouter-demo-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(d.dir)) }()
	if err := d.start(ctx); err != nil {
		return errors.Join(err, d.stop())
	}
	defer func() { err = errors.Join(err, d.stop()) }()

	for _, step := range []func(context.Context) error{d.declare, d.send, d.settle, d.repeat, d.dispatch} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	d.expectNothingElseArrived()
	d.printTable()
	if d.keep {
		return errors.Join(d.wait(ctx), d.verdict())
	}
	if err := d.destroy(ctx); err != nil {
		return err
	}
	return d.verdict()
}

// start builds the programs and starts the receiver and the control plane.
func (d *demo) start(ctx context.Context) (err error) {
	if d.root, err = moduleRoot(ctx); err != nil {
		return err
	}
	if _, err := findTerraform(d.root); err != nil { // before anything that takes time
		return err
	}
	if d.bin == "" {
		begun := time.Now()
		d.bin = filepath.Join(d.dir, "bin")
		if err := build(ctx, d.root, d.bin); err != nil {
			return err
		}
		d.say("Built the control plane and the Terraform provider in %s.", roughly(time.Since(begun)))
	} else if d.bin, err = filepath.Abs(d.bin); err != nil {
		return err
	}
	if d.receiver, err = startReceiver(ctx); err != nil {
		return err
	}
	d.say("Started a receiver that plays a SOAR, Slack and PagerDuty: %s", d.receiver.pagerdutyURL)
	if d.plane, err = startControlPlane(ctx, d.bin, d.dir); err != nil {
		return err
	}
	d.say("Started the control plane on an empty store: %s", d.plane.url)
	d.terraform, err = newTerraform(d.root, d.bin, d.dir, d.plane, d.receiver)
	return err
}

// stop stops what start started.
func (d *demo) stop() error {
	var errs []error
	if d.plane != nil {
		errs = append(errs, d.plane.stop())
	}
	if d.receiver != nil {
		errs = append(errs, d.receiver.close())
	}
	return errors.Join(errs...)
}

// declare applies examples/quickstart and checks what Terraform says of it.
func (d *demo) declare(ctx context.Context) error {
	begun := time.Now()
	if err := d.terraform.apply(ctx); err != nil {
		return err
	}
	o, err := d.terraform.outputs(ctx)
	if err != nil {
		return err
	}
	test := o.TestAlert.Value
	d.expect(len(o.DestinationIDs.Value) == 3, "terraform apply: got %d destinations, want 3", len(o.DestinationIDs.Value))
	d.expect(test.Delivered && test.HTTPStatus == http.StatusOK,
		"test alert: got delivered %t, HTTP status %d, want true, 200", test.Delivered, test.HTTPStatus)
	d.expect(d.receiver.total() == 1, "test alert: got %d messages at the receiver, want 1", d.receiver.total())
	changes, err := d.terraform.plan(ctx)
	if err != nil {
		return err
	}
	d.expect(changes == "", "a second plan: got changes, want none:\n%s", changes)
	d.expect(d.receiver.total() == 1, "a second plan: got %d messages at the receiver, want no new test alert", d.receiver.total())
	leaks, err := d.terraform.leaks()
	if err != nil {
		return err
	}
	d.expect(leaks == 0, "Terraform's state holds %d secrets, want none", leaks)
	d.say("Applied examples/quickstart in %s: 3 destinations, an override, and a test alert that arrived.", roughly(time.Since(begun)))
	d.say("Planned again: no changes, no second test alert, no secret in the state.")
	return nil
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

func (d *demo) destroy(ctx context.Context) error {
	if err := d.terraform.destroy(ctx); err != nil {
		return err
	}
	list, err := client.OK(d.plane.api.ListDestinationsWithResponse(ctx, nil))
	if err != nil {
		return err
	}
	d.expect(len(list.Items) == 0, "terraform destroy left %d destinations, want none", len(list.Items))
	d.say("Destroyed it all with Terraform.")
	return nil
}

// wait tells how to reach what runs, until Ctrl-C. Everything that was made is in the temporary directory, so nothing
// needs to be destroyed after it.
func (d *demo) wait(ctx context.Context) error {
	settings := filepath.Join(d.dir, "env.sh")
	var text strings.Builder
	for _, pair := range d.terraform.assignments() {
		name, value, _ := strings.Cut(pair, "=")
		fmt.Fprintf(&text, "export %s='%s'\n", name, value)
	}
	fmt.Fprintf(&text, "export PATH='%s':\"$PATH\"\n", d.bin)
	if err := os.WriteFile(settings, []byte(text.String()), 0o600); err != nil {
		return err
	}
	d.say(`The control plane runs until Ctrl-C. In another terminal:

  . %s
  alertrouter alert send examples/alerts/05-impossible-travel.json
  alertrouter route preview examples/alerts/13-new-repository.json
  alertrouter deliveries list
  %s -chdir=%s plan

  URL       %s
  token     %s (of an admin)
  HCL       %s
  log       %s
`, settings, d.terraform.path, d.terraform.dir, d.plane.url, d.plane.token, d.terraform.dir, d.plane.log)
	<-ctx.Done()
	return nil
}
