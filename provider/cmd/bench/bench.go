// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/machine"
)

// bench is what the measurements share.
type bench struct {
	options
	root     string // of the project
	work     string // everything written is below it
	engine   *engine
	progress io.Writer
}

// outcome is all that a page is made of.
type outcome struct {
	about [][2]string // the machine, and what was measured
	sizes []size
}

// size is what was measured with one number of resources.
type size struct {
	n     int
	steps []step
	gets  []time.Duration // sorted: how long it takes to get one of them
	asked []string        // what else a plan that changes nothing asks
}

// step is what a command cost with each subject. The costs of one turn were measured one after another.
type step struct {
	name  string
	turns [][]cost // by turn, by subject; for a plan that changes nothing, the last is the silent no-op provider's
}

// The places of subjects.
const (
	ours = iota
	theirs
	_
	silent // the no-op provider with its log turned off
)

// logOff turns a plugin's log off, which is on otherwise: Terraform reads it and throws it away.
var logOff = []string{"TF_LOG_SDK=OFF", "TF_LOG_SDK_PROTO=OFF", "TF_LOG_SDK_FRAMEWORK=OFF"}

// many is a number of resources above which turns take long.
const many = 1000

// turnsOf is how often a plan of n resources that changes nothing is made.
func (b *bench) turnsOf(n int) int {
	if n > many {
		return min(b.turns, 3)
	}
	return b.turns
}

// measure makes every measurement.
func measure(ctx context.Context, o options, progress io.Writer) (_ *outcome, err error) {
	b := &bench{options: o, progress: progress}
	load := machine.LoadAverage()
	if b.root, err = moduleRoot(ctx); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return nil, err
	}
	if b.work, err = os.MkdirTemp(o.dir, "bench-"); err != nil {
		return nil, err
	}
	defer os.RemoveAll(b.work)
	if b.work, err = filepath.Abs(b.work); err != nil {
		return nil, err
	}
	plugins := filepath.Join(b.work, "plugins")
	if err := b.build(ctx, plugins); err != nil {
		return nil, err
	}
	if b.engine, err = newEngine(ctx, b.root, b.work, plugins); err != nil {
		return nil, err
	}
	made := &outcome{about: b.describe(ctx, load)}
	for _, n := range o.sizes {
		s, err := b.measureSize(ctx, n)
		if err != nil {
			return nil, fmt.Errorf("measure %d resources: %w", n, err)
		}
		made.sizes = append(made.sizes, s)
	}
	return made, nil
}

func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the project; run it inside of it: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// build builds the control plane and the plugins as releases do; in a quick run as everything else is built, which the
// build cache may have. It puts this program in each plugin's place.
func (b *bench) build(ctx context.Context, plugins string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for program, at := range map[string]string{
		"./server/cmd/alertrouter":  filepath.Join(b.work, "alertrouter"),
		".":                         filepath.Join(plugins, "real", "terraform-provider-alertrouter"),
		"./provider/cmd/bench/noop": filepath.Join(plugins, "real", "terraform-provider-noop"),
	} {
		cmd := exec.CommandContext(ctx, "go", "build", fmt.Sprintf("-trimpath=%t", !b.quick), "-o", at, program)
		cmd.Dir = b.root
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", program, err, out)
		}
		if name := filepath.Base(at); program != "./server/cmd/alertrouter" {
			if err := os.Symlink(self, filepath.Join(plugins, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// measureSize creates n resources of each subject, plans them again, changes them all, and destroys them.
func (b *bench) measureSize(ctx context.Context, n int) (size, error) {
	made := size{n: n}
	dir, err := os.MkdirTemp(b.work, "size-")
	if err != nil {
		return made, err
	}
	p, err := startPlane(ctx, filepath.Join(b.work, "alertrouter"), filepath.Join(dir, "data"))
	if err != nil {
		return made, err
	}
	defer p.stop()
	if err := write(dir, n, false); err != nil {
		return made, err
	}
	take := func(name string, turns int, args ...string) error {
		s, err := b.step(ctx, dir, p, turns, args...)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		s.name = name
		made.steps = append(made.steps, s)
		fmt.Fprintf(b.progress, "%d resources, %s: %s\n", n, name, strings.Join(s.cells(), ", "))
		return nil
	}
	if err := take("plan to create", 1, "plan", "-out=create"); err != nil {
		return made, err
	}
	if err := take("create", 1, "apply", "create"); err != nil {
		return made, err
	}
	if err := take(noop, b.turnsOf(n), "plan", detailed); err != nil {
		return made, err
	}
	if err := b.count(ctx, dir, p, &made); err != nil {
		return made, err
	}
	if err := write(dir, n, true); err != nil {
		return made, err
	}
	if err := take("plan and change all", 1, "apply", "-auto-approve"); err != nil {
		return made, err
	}
	return made, take("plan and destroy all", 1, "destroy", "-auto-approve")
}

// noop is the step with the goal.
const noop = "plan that changes nothing"

// detailed makes a plan fail that changes something.
const detailed = "-detailed-exitcode"

// write writes the configuration of n resources of each subject.
func write(dir string, n int, changed bool) error {
	for _, s := range subjects {
		at := filepath.Join(dir, s.name)
		if err := os.MkdirAll(at, 0o700); err != nil {
			return err
		}
		if err := s.write(at, n, changed); err != nil {
			return err
		}
	}
	return nil
}

// step runs a command with each subject, in turns.
func (b *bench) step(ctx context.Context, dir string, p *plane, turns int, args ...string) (step, error) {
	var s step
	for range turns {
		costs := make([]cost, len(subjects))
		for i := range slices.Backward(subjects) { // the yardsticks first
			var err error
			if costs[i], err = b.command(ctx, dir, subjects[i], env(p.url), args...); err != nil {
				return s, err
			}
		}
		if slices.Contains(args, detailed) {
			quiet, err := b.command(ctx, dir, subjects[theirs], logOff, args...)
			if err != nil {
				return s, err
			}
			costs = append(costs, quiet)
		}
		s.turns = append(s.turns, costs)
	}
	return s, nil
}

func (b *bench) command(ctx context.Context, dir string, s subject, env []string, args ...string) (cost, error) {
	// Flags come before the name of a plan.
	args = slices.Concat(args[:1], []string{"-input=false", "-no-color", fmt.Sprintf("-parallelism=%d", b.parallelism)}, args[1:])
	c, err := b.engine.run(ctx, filepath.Join(dir, s.name), env, args...)
	if err != nil {
		return c, fmt.Errorf("%s: %w", s.name, err)
	}
	if s.provider != "" && c.starts == 0 {
		return c, fmt.Errorf("%s: no plugin told what it cost", s.name)
	}
	return c, nil
}

// count makes one more plan that changes nothing to see what it asks of the control plane, and how long the control
// plane takes to answer that.
func (b *bench) count(ctx context.Context, dir string, p *plane, made *size) error {
	c, err := newCounter(p)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := b.command(ctx, dir, subjects[ours], env(c.URL), "plan", detailed); err != nil {
		return err
	}
	paths, others, err := c.paths(made.n)
	if err != nil {
		return err
	}
	made.asked = others
	made.gets, err = p.times(ctx, paths)
	return err
}
