// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestNoted_ManyWaitAsLongAsOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n noted
		began := time.Now()
		slots := make(chan struct{}, 10) // as many as Terraform looks at at once
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				if n.await(t.Context(), fmt.Sprint("absent ", i)) {
					t.Error("found what is not there")
				}
			})
		}
		all.Wait()
		if took := time.Since(began); took != quietTime {
			t.Errorf("it took %s, want %s", took, quietTime)
		}
	})
}

func TestNoted_WaitsWhileThereIsNews(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n noted
		go func() {
			for i := range 5 {
				time.Sleep(quietTime - time.Millisecond)
				n.add(fmt.Sprint(i))
			}
		}()
		if !n.await(t.Context(), "4") {
			t.Error("gave up while others came")
		}
		if n.await(t.Context(), "5") {
			t.Error("found what never came")
		}
	})
}
