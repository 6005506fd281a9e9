// SPDX-License-Identifier: MPL-2.0

package outbound

import (
	"net/netip"
	"testing"
)

// TestGuard_LetsPublicAddressesThrough asks the guard itself, as a test should not dial strangers. The addresses stand
// beside the ends of the networks that are refused.
func TestGuard_LetsPublicAddressesThrough(t *testing.T) {
	t.Parallel()
	guard := newGuard(nil)
	for _, address := range []string{
		"1.0.0.0", "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
		"128.0.0.0", "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0",
		"192.0.1.0", "192.0.3.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255",
		"203.0.114.0", "223.255.255.255",
		"2001:200::", "2001:db7:ffff::", "2001:db9::", "2003::", "2606:4700::1111", "2a00::1", "3ffe::",
		"3fff:1000::", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8",
	} {
		for _, network := range []string{"tcp4", "tcp6"} {
			if err := guard.control(network, netip.AddrPortFrom(netip.MustParseAddr(address), 443).String(), nil); err != nil {
				t.Errorf("%s: got error %v, want it let through", address, err)
			}
		}
	}
}
