// SPDX-License-Identifier: MPL-2.0

package outbound

import (
	"errors"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// brokenConn takes nothing, and has nothing more to say.
type brokenConn struct{ net.Conn }

func (brokenConn) Read([]byte) (int, error)         { return 0, syscall.ECONNRESET }
func (brokenConn) Write([]byte) (int, error)        { return 0, syscall.EPIPE }
func (brokenConn) SetWriteDeadline(time.Time) error { return nil }
func (brokenConn) Close() error                     { return nil }

func TestPatientConn_HearsTheOtherSideOutBeforeAWriteFails(t *testing.T) {
	t.Parallel()
	for name, heard := range map[string]func(*patientConn){
		"it has said all":               func(c *patientConn) { _, _ = c.Read(nil) },
		"nobody listens any more":       func(c *patientConn) { _ = c.Close() },
		"the connection is about to be": func(c *patientConn) { _ = c.SetWriteDeadline(time.Time{}) },
		"it says nothing":               func(*patientConn) { time.Sleep(maxPatience) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newPatientConn(brokenConn{})
				failed := make(chan error, 1)
				go func() {
					_, err := c.Write([]byte("x"))
					failed <- err
				}()
				synctest.Wait()
				if len(failed) > 0 {
					t.Error("the write failed at once")
				}
				heard(c)
				synctest.Wait()
				select {
				case err := <-failed:
					if !errors.Is(err, syscall.EPIPE) {
						t.Errorf("got %v, want the write's own error", err)
					}
				default:
					t.Error("the write still waits")
				}
			})
		})
	}
}
