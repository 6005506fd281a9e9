// SPDX-License-Identifier: MPL-2.0

package registry_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/registry"
)

// timed takes down how long the store takes, so that it can be left out.
type timed struct {
	kept
	took time.Duration
}

func (s *timed) CreateDestination(ctx context.Context, d destination.Destination) error {
	defer s.since(time.Now())
	return s.kept.CreateDestination(ctx, d)
}

func (s *timed) UpdateDestination(ctx context.Context, id string, change func(destination.Destination) (destination.Destination, error)) (destination.Destination, error) {
	defer s.since(time.Now())
	return s.kept.UpdateDestination(ctx, id, change)
}

func (s *timed) since(began time.Time) { s.took += time.Since(began) }

// BenchmarkRegistry_Create makes one more destination where there are n. What the commit does not cost is ns-beyond-commit.
func BenchmarkRegistry_Create(b *testing.B) {
	eachSize(b, func(b *testing.B, r *registry.Registry, s *timed, n int) {
		s.took = 0
		for i := 0; b.Loop(); i++ {
			create(b, r, slack(fmt.Sprint("new ", i)))
		}
		b.ReportMetric(float64(b.Elapsed()-s.took)/float64(b.N), "ns-beyond-commit/op")
	})
}

// BenchmarkRegistry_Update renames one destination of n. Reading and checking it counts as the commit's.
func BenchmarkRegistry_Update(b *testing.B) {
	eachSize(b, func(b *testing.B, r *registry.Registry, s *timed, n int) {
		d := create(b, r, slack("changing"))
		s.took = 0
		for i := 0; b.Loop(); i++ {
			update(b, r, d.ID, slack(fmt.Sprint("changing ", i)))
		}
		b.ReportMetric(float64(b.Elapsed()-s.took)/float64(b.N), "ns-beyond-commit/op")
	})
}

// BenchmarkRegistry_Validate is what a plan asks for each destination.
func BenchmarkRegistry_Validate(b *testing.B) {
	eachSize(b, func(b *testing.B, r *registry.Registry, _ *timed, n int) {
		for b.Loop() {
			if err := r.Validate("", slack("new")); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func eachSize(b *testing.B, bench func(b *testing.B, r *registry.Registry, s *timed, n int)) {
	for _, n := range []int{0, 2000, 10000} {
		b.Run(fmt.Sprint("n=", n), func(b *testing.B) {
			s := &timed{kept: newStore(b)}
			fill(b, s.kept, n)
			r, _ := open(b, s)
			bench(b, r, s, n)
		})
	}
}

// fill stores n destinations, many to a commit.
func fill(b *testing.B, s registry.Store, n int) {
	b.Helper()
	template, _ := open(b, newStore(b))
	d := create(b, template, webhook("template", "")) // without secrets: it opens in any store
	var running sync.WaitGroup
	numbers := make(chan int)
	for range 64 {
		running.Go(func() {
			for i := range numbers {
				d := d
				d.ID, d.DisplayName = fmt.Sprintf("id-%06d", i), fmt.Sprintf("Destination %06d", i)
				if err := s.CreateDestination(context.Background(), d); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range n {
		numbers <- i
	}
	close(numbers)
	running.Wait()
}
