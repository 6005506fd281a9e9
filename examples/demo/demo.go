// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

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
		return errors.Join(d.verdict(), d.wait(ctx))
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
	d.say(`
The control plane runs until Ctrl-C. In another terminal, in this directory:

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
