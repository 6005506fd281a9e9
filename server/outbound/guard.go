// SPDX-License-Identifier: MPL-2.0

package outbound

import (
	"fmt"
	"net/netip"
	"strings"
	"syscall"
)

// special lists the networks that are not the public Internet, after the IANA special-purpose address registries
// (https://www.iana.org/assignments/iana-ipv4-special-registry, …/iana-ipv6-special-registry) as of 2026-11. The
// first match names the address. What is not in here is public if it is IPv4, or within 2000::/3.
var special = []struct {
	network netip.Prefix
	kind    string
}{
	{netip.MustParsePrefix("0.0.0.0/32"), "an unspecified address"},
	{netip.MustParsePrefix("0.0.0.0/8"), "a reserved address"},
	{netip.MustParsePrefix("10.0.0.0/8"), "a private address"},
	{netip.MustParsePrefix("100.64.0.0/10"), "a carrier-grade NAT address"},
	{netip.MustParsePrefix("127.0.0.0/8"), "a loopback address"},
	{netip.MustParsePrefix("168.63.129.16/32"), "a cloud metadata address"}, // Azure's, though publicly registered
	{netip.MustParsePrefix("169.254.0.0/16"), "a link-local address"},       // 169.254.169.254: metadata of most clouds
	{netip.MustParsePrefix("172.16.0.0/12"), "a private address"},
	{netip.MustParsePrefix("192.0.0.0/24"), "a reserved address"},
	{netip.MustParsePrefix("192.0.2.0/24"), "a documentation address"},
	{netip.MustParsePrefix("192.31.196.0/24"), "a reserved address"}, // AS112
	{netip.MustParsePrefix("192.52.193.0/24"), "a reserved address"}, // AMT relays
	{netip.MustParsePrefix("192.88.99.0/24"), "a reserved address"},  // 6to4 relays
	{netip.MustParsePrefix("192.168.0.0/16"), "a private address"},
	{netip.MustParsePrefix("192.175.48.0/24"), "a reserved address"}, // AS112
	{netip.MustParsePrefix("198.18.0.0/15"), "a benchmarking address"},
	{netip.MustParsePrefix("198.51.100.0/24"), "a documentation address"},
	{netip.MustParsePrefix("203.0.113.0/24"), "a documentation address"},
	{netip.MustParsePrefix("224.0.0.0/4"), "a multicast address"},
	{netip.MustParsePrefix("255.255.255.255/32"), "a broadcast address"},
	{netip.MustParsePrefix("240.0.0.0/4"), "a reserved address"},

	{netip.MustParsePrefix("::/128"), "an unspecified address"},
	{netip.MustParsePrefix("::1/128"), "a loopback address"},
	{netip.MustParsePrefix("::/96"), "an IPv4-compatible address"},
	{netip.MustParsePrefix("::ffff:0:0:0/96"), "an IPv4-translated address"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "a local-use NAT64 address"},
	{netip.MustParsePrefix("fc00::/7"), "a private address"},
	{netip.MustParsePrefix("fe80::/10"), "a link-local address"},
	{netip.MustParsePrefix("fec0::/10"), "a private address"},
	{netip.MustParsePrefix("ff00::/8"), "a multicast address"},
	{netip.MustParsePrefix("2001::/32"), "a Teredo address"},
	{netip.MustParsePrefix("2001:2::/48"), "a benchmarking address"},
	{netip.MustParsePrefix("2001::/23"), "a reserved address"},
	{netip.MustParsePrefix("2001:db8::/32"), "a documentation address"},
	{netip.MustParsePrefix("2002::/16"), "a 6to4 address"},
	{netip.MustParsePrefix("2620:4f:8000::/48"), "a reserved address"}, // AS112
	{netip.MustParsePrefix("3fff::/20"), "a documentation address"},
}

var (
	globalUnicast = netip.MustParsePrefix("2000::/3")
	nat64         = netip.MustParsePrefix("64:ff9b::/96")
)

// kindOf names what an address is that is not public, and gives "" for a public one. Addresses that carry an IPv4
// address are that address where the form is in use (IPv4-mapped, NAT64), and refused whatever they carry where it is
// only of use to get around a guard (IPv4-compatible, 6to4, Teredo).
func kindOf(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	for _, s := range special {
		if s.network.Contains(addr) {
			return s.kind
		}
	}
	switch {
	case addr.Is4():
		return ""
	case nat64.Contains(addr):
		bytes := addr.As16()
		if kind := kindOf(netip.AddrFrom4([4]byte(bytes[12:]))); kind != "" {
			return "a NAT64 form of " + kind
		}
		return ""
	case !globalUnicast.Contains(addr):
		return "a reserved address"
	}
	return ""
}

// guard refuses to dial what is not public, unless it is allowed by name.
type guard struct{ allow []netip.Prefix }

func newGuard(allow []netip.Prefix) guard {
	var g guard
	for _, p := range allow {
		if p.Addr().Is4In6() && p.Bits() >= 96 { // an IPv4 network written in IPv6 means the same
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		g.allow = append(g.allow, p.Masked())
	}
	return g
}

// control runs between the resolution of a name and the connection, on the very address that is dialled: a name that
// changes its mind between a check and its use gains nothing.
func (g guard) control(network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("%w: only TCP may be dialled", ErrBadRequest)
	}
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: not an address", ErrBadRequest)
	}
	return g.check(target.Addr().Unmap().WithZone(""))
}

func (g guard) check(addr netip.Addr) error {
	kind := kindOf(addr)
	if kind == "" {
		return nil
	}
	for _, p := range g.allow {
		if p.Contains(addr) {
			return nil
		}
	}
	return &blockedError{addr: addr, kind: kind}
}

// checkHost refuses the spellings of an IPv4 address that resolvers read differently: 127.1, 0x7f000001, 017700000001,
// 2130706433. A name whose last part is a number is one of them or a mistake.
func checkHost(host string) error {
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	last := strings.ToLower(strings.TrimSuffix(host, "."))
	last = last[strings.LastIndexByte(last, '.')+1:]
	digits := "0123456789"
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		last, digits = hex, "0123456789abcdef"
	}
	if strings.Trim(last, digits) == "" {
		return fmt.Errorf("%w: the host is neither a name nor an IP address in its usual form, such as 198.51.100.7", ErrBadRequest)
	}
	return nil
}
