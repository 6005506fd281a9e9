// SPDX-License-Identifier: MPL-2.0

// Package faulttest runs the real program under load, kills it again and again, and accounts for every alert.
//
//	fault.go    Run: the sinks, the kills, the drain
//	program.go  the program in a process of its own, which does not outlive its test
//	sink.go     where deliveries go: receivers that behave well and badly, and remember every request
//	load.go     the clients that send alerts
//	account.go  what has to be true of every alert and delivery in the end
//	story.go    all that is known of one alert, for when it is not
package faulttest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// inFlight is how many attempts a destination may have under way at once: the dispatcher's default. So many outcomes,
// at each destination, may be lost with each kill.
const inFlight = 8

// Options say how long and how hard to try.
type Options struct {
	Launch    Launch
	Seed      uint64
	Kills     int
	Pace      time.Duration // from one kill to the next, about
	Clients   int
	PerSecond int // alerts, about; just before a kill there are as many as the clients can send
	// Recover makes the hanging sink behave in the end, too, so that nothing at all may be left. What was tried three
	// times by then waits for half a minute and more.
	Recover bool
	Drain   time.Duration // how long the rest may take once no more alerts come
}

// run is one run.
type run struct {
	testing.TB

	Options
	random     *rand.Rand
	generation atomic.Int64
	sinks      []*Sink
	load       *load
	programs   []*Program  // by generation
	killed     []time.Time // by generation
	watched    sync.WaitGroup
	watching   chan struct{} // closed to end the watch

	mu         sync.Mutex
	recorded   map[string]time.Time // when a delivery was first seen to be DELIVERED
	complaints []complaint
}

// complaint is something that is wrong, and with which alert; "" is none in particular.
type complaint struct{ alertID, text string }

// Run does it all, and prints a summary.
func Run(t testing.TB, o Options) {
	t.Helper()
	t.Logf("seed %d, %d kills", o.Seed, o.Kills)
	r := &run{
		TB: t, Options: o, random: rand.New(rand.NewPCG(o.Seed, 0)), //nolint:gosec // to be repeated from its seed
		watching: make(chan struct{}), recorded: map[string]time.Time{},
	}
	sink := func(name string, m manner, severities ...string) {
		r.sinks = append(r.sinks, newSink(t, name, o.Seed+uint64(len(r.sinks)), &r.generation, m, severities...))
	}
	sink("steady", steady, "INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL")
	sink("flaky", flaky, "LOW", "CRITICAL")
	sink("refusing", refusing, "LOW")
	sink("slow", slow, "MEDIUM", "CRITICAL")
	sink("losing", losing, "HIGH", "CRITICAL")
	sink("hanging", hanging, "CRITICAL")

	p := r.begin()
	p.WaitReady(t)
	for _, s := range r.sinks {
		timeout := 0
		if s.Name == "hanging" {
			timeout = 1
		}
		s.ID = p.AddDestination(t, s.Name, s.server.URL, true, timeout, s.Severities...)
	}
	r.load = newLoad(o.Seed, o.Clients, float64(o.PerSecond), r.complain)
	t.Cleanup(r.load.end)
	r.use(p)
	r.watched.Go(r.watch)

	for range o.Kills {
		p = r.killAndStart(p)
	}
	time.Sleep(o.Pace)
	r.load.end()
	for _, s := range r.sinks {
		if s.Name != "hanging" || o.Recover {
			s.recover()
		}
	}
	r.drain(p)
	close(r.watching)
	r.watched.Wait()
	b := r.read(p)
	r.account(p, b)
	r.checkQuiet(p)
	r.report(p, b)
}

// begin starts the program of the next generation.
func (r *run) begin() *Program {
	p := r.Launch.Begin(r)
	r.programs = append(r.programs, p)
	return p
}

func (r *run) use(p *Program) {
	r.load.current.Store(&running{p, int(r.generation.Load())})
}

// killAndStart kills the program at some moment and starts the next one, which it kills while it starts now and then.
func (r *run) killAndStart(p *Program) *Program {
	time.Sleep(r.moment())
	r.load.all.SetLimit(rate.Inf) // so that much is under way
	time.Sleep(time.Duration(20+r.random.IntN(100)) * time.Millisecond)
	r.kill(p)
	r.load.all.SetLimit(rate.Limit(r.PerSecond))
	for r.random.IntN(5) == 0 {
		p = r.begin()
		time.Sleep(time.Duration(r.random.IntN(200)) * time.Millisecond)
		r.kill(p)
	}
	p = r.begin()
	p.WaitReady(r)
	r.use(p)
	return p
}

// moment is how long the program lives: mostly about the pace, now and then hardly at all.
func (r *run) moment() time.Duration {
	if r.random.IntN(5) == 0 {
		return time.Duration(r.random.IntN(100)) * time.Millisecond
	}
	return time.Duration((0.3 + 1.4*r.random.Float64()) * float64(r.Pace))
}

// kill ends a generation: when it returns, all that arrives is of the next one.
func (r *run) kill(p *Program) {
	r.load.current.Store(nil)
	p.Kill()
	r.killed = append(r.killed, time.Now())
	for _, s := range r.sinks {
		s.settle(r)
	}
	r.generation.Add(1)
	for _, line := range p.Broken() {
		r.complain("", "the program said: %s", line)
	}
}

func (r *run) complain(alertID, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.complaints = append(r.complaints, complaint{alertID, fmt.Sprintf(format, args...)})
}

// watch takes down when deliveries are first seen to be DELIVERED: after that nothing may try them again.
func (r *run) watch() {
	for {
		select {
		case <-r.watching:
			return
		case <-time.After(50 * time.Millisecond):
		}
		p := r.load.current.Load()
		if p == nil {
			continue
		}
		var page client.DeliveryList
		if p.Get("/v1/deliveries?state=DELIVERED&limit=500", &page) != nil {
			continue // it was killed
		}
		now := time.Now()
		r.mu.Lock()
		for _, d := range page.Items {
			if _, known := r.recorded[d.ID]; !known {
				r.recorded[d.ID] = now
			}
		}
		r.mu.Unlock()
	}
}

// drain waits until nothing is owed but to a sink that did not recover.
func (r *run) drain(p *Program) {
	r.Helper()
	for deadline := time.Now().Add(r.Drain); ; time.Sleep(200 * time.Millisecond) {
		var owed []string
		for _, s := range r.sinks {
			if s.Name == "hanging" && !r.Recover {
				continue
			}
			var page client.DeliveryList
			if err := p.Get("/v1/deliveries?state=PENDING&state=RETRYING&limit=1000&destination_id="+s.ID, &page); err != nil {
				r.Fatal(err)
			}
			if n := len(page.Items); n > 0 {
				owed = append(owed, fmt.Sprintf("%s: %d", s.Name, n))
			}
		}
		if len(owed) == 0 {
			return
		}
		if time.Now().After(deadline) {
			r.Errorf("%s after the last alert there are still owed: %s", r.Drain, strings.Join(owed, ", "))
			return
		}
	}
}

// checkQuiet sees that after one more kill nothing is tried again, as all was recorded.
func (r *run) checkQuiet(p *Program) {
	r.Helper()
	before := make([]int, len(r.sinks))
	for i, s := range r.sinks {
		before[i] = s.count()
	}
	r.kill(p)
	p = r.begin()
	p.WaitReady(r)
	time.Sleep(300 * time.Millisecond) // a program that thinks it owes something starts at once
	for i, s := range r.sinks {
		if n := s.count() - before[i]; n > 0 && (s.Name != "hanging" || r.Recover) {
			r.complain("", "the sink %s got %d requests after a kill at rest", s.Name, n)
		}
	}
	p.Terminate(r)
}
