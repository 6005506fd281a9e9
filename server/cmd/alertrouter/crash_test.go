// SPDX-License-Identifier: MPL-2.0

package main

import (
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/faulttest"
)

// How long and with what the fault tests go on; `make soak` sets them.
var (
	soak  = flag.Duration("soak", 0, "how long the fault tests go on; 0 is a few seconds")
	kills = flag.Int("kills", 60, "with -soak: how often the program is killed")
	seed  = flag.Uint64("seed", 0, "repeat what a run with this seed did; 0 takes a new one")
)

// launch is the program itself on a data directory.
func launch(data string, flags ...string) faulttest.Launch {
	return faulttest.Launch{Path: os.Args[0], Env: []string{asProgram + "=1"}, Data: data, Flags: flags}
}

// program is the real program in a process of its own, with the calls that most tests make.
type program struct {
	*faulttest.Program
	url string
}

const token = faulttest.Token

// start runs the program on a data directory and waits until it is ready.
func start(t *testing.T, data string) *program {
	t.Helper()
	p := launch(data).Start(t)
	return &program{p, p.URL}
}

// kill ends the program as a power cut would end it.
func (p *program) kill(t *testing.T) {
	t.Helper()
	p.Kill()
	wantSound(t, p.Program)
}

func (p *program) call(method, path, body string) (int, string, error) {
	answer, err := p.Call(method, path, "", strings.NewReader(body))
	return answer.Status, string(answer.Body), err
}

// wantSound sees that the program said nothing that no program should.
func wantSound(t *testing.T, p *faulttest.Program) {
	t.Helper()
	for _, line := range p.Broken() {
		t.Errorf("the program said: %s", line)
	}
}

// After kill -9 at random moments under load, with destinations that behave in every way, nothing that was acknowledged
// is lost, nothing is half there, and no more happens twice than was in flight.
func TestCrash_LosesNothingThatWasAccepted(t *testing.T) {
	t.Parallel()
	o := faulttest.Options{
		Launch: launch(t.TempDir()), Seed: *seed,
		Kills: 6, Pace: 400 * time.Millisecond, Clients: 16, PerSecond: 300, Drain: 2 * time.Minute,
	}
	if o.Seed == 0 {
		o.Seed = rand.Uint64()
	}
	if *soak > 0 {
		o.Kills, o.Pace = *kills, *soak/time.Duration(*kills)
		o.Recover, o.Drain = true, 10*time.Minute
	}
	faulttest.Run(t, o)
}

func TestCrash_ASecondProcessIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := start(t, data)
	began := time.Now()
	second := exec.Command(os.Args[0], "serve", "--listen", "127.0.0.1:0", "--data", data)
	second.Env = append(os.Environ(), asProgram+"=1")
	out, err := second.CombinedOutput()
	if second.ProcessState.ExitCode() != exitFailed || !strings.Contains(string(out), "another process") {
		t.Errorf("got %v and %s, want exit code 1 and that another process has the store", err, out)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %s to say so", took)
	}
	if status, answer, err := p.call("GET", "/readyz", ""); status != 200 {
		t.Errorf("the first one: got %d %s %v, want it ready as before", status, answer, err)
	}
	p.Terminate(t)
	start(t, data).kill(t) // the store is free again
}
