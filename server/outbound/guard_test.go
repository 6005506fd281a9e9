// SPDX-License-Identifier: MPL-2.0

package outbound_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
)

// TestGuard_RefusesLoopbackInEverySpelling asks for a real listener on every loopback address, which must stay
// unreached.
func TestGuard_RefusesLoopbackInEverySpelling(t *testing.T) {
	t.Parallel()
	reached, port := listenEverywhere(t)
	client := outbound.New(outbound.Options{})
	for _, host := range []string{
		"127.0.0.1", "127.0.0.2", "127.255.255.254", "127.1", "127.0.1", "127.0.0.1.", "127.1.",
		"2130706433", "2130706433.", "0x7f000001", "0x7f.0.0.1", "0X7F.1", "0x7f.0x0.0x0.0x1", "017700000001",
		"0177.0.0.1", "0177.1", "127.0.0.01", "127.000.000.001", "0", "0.0.0.0", "0.0.0.0.", "00.0.0.0", "0.1",
		"127.0.0.1.0x7f", "１２７.０.０.１", "127。0。0。1", "①②⑦.0.0.1",
		"localhost", "LOCALHOST", "localhost.",
		"[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[0000:0000:0000:0000:0000:0000:0000:0001]", "[::1%25lo]",
		"[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::ffff:0.0.0.0]",
		"[::127.0.0.1]", "[::7f00:1]", "[::ffff:0:127.0.0.1]",
		"[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::127.0.0.1]", "[2002:7f00:1::1]", "[2001:0:7f00:1::1]",
	} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			_, err := get(t, client, "http://"+host+":"+port+"/")
			unknown, _ := errors.AsType[*net.DNSError](err) // some systems do not know "localhost."
			if !errors.Is(err, outbound.ErrBlocked) && !errors.Is(err, outbound.ErrBadRequest) && unknown == nil {
				t.Errorf("got error %v, want ErrBlocked or ErrBadRequest", err)
			}
			if outbound.WasSent(err) {
				t.Errorf("WasSent(%v) = true, want false", err)
			}
		})
	}
	t.Cleanup(func() {
		if n := reached.Load(); n > 0 {
			t.Errorf("the listener was reached %d times, want never", n)
		}
	})
}

func TestGuard_RefusesWhatIsNotPublic(t *testing.T) {
	t.Parallel()
	client := outbound.New(outbound.Options{})
	for kind, addresses := range map[string][]string{
		"an unspecified address":               {"0.0.0.0", "::", "::ffff:0.0.0.0"},
		"a reserved address":                   {"0.1.2.3", "192.0.0.1", "192.0.0.192", "192.88.99.1", "240.0.0.1", "255.255.255.254", "4000::1", "100::1", "2001:1::1", "2001:10::1", "5f00::1"},
		"a private address":                    {"10.0.0.5", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "fc00::1", "fd00:ec2::254", "fec0::1", "::ffff:10.0.0.5", "::ffff:c0a8:1"},
		"a carrier-grade NAT address":          {"100.64.0.1", "100.100.100.200", "100.127.255.255"},
		"a loopback address":                   {"127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"},
		"a cloud metadata address":             {"168.63.129.16"},
		"a link-local address":                 {"169.254.169.254", "169.254.170.2", "fe80::1", "febf::1", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe"},
		"a documentation address":              {"192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"},
		"a benchmarking address":               {"198.18.0.1", "198.19.255.255", "2001:2::1"},
		"a multicast address":                  {"224.0.0.1", "239.255.255.255", "ff02::1"},
		"a broadcast address":                  {"255.255.255.255"},
		"an IPv4-compatible address":           {"::10.0.0.5", "::8.8.8.8", "::169.254.169.254"},
		"an IPv4-translated address":           {"::ffff:0:10.0.0.5"},
		"a NAT64 form of a link-local address": {"64:ff9b::169.254.169.254", "64:ff9b::a9fe:a9fe"},
		"a NAT64 form of a private address":    {"64:ff9b::10.0.0.5"},
		"a local-use NAT64 address":            {"64:ff9b:1::1", "64:ff9b:1:a00:5::"},
		"a 6to4 address":                       {"2002:a00:5::1", "2002:808:808::1"},
		"a Teredo address":                     {"2001:0:a00:5::1", "2001::1"},
	} {
		for _, address := range addresses {
			t.Run(address, func(t *testing.T) {
				t.Parallel()
				conn, err := client.DialContext(t.Context(), "tcp", net.JoinHostPort(address, "443"))
				if err == nil {
					_ = conn.Close()
				}
				if !errors.Is(err, outbound.ErrBlocked) {
					t.Fatalf("got error %v, want ErrBlocked", err)
				}
				if !strings.Contains(err.Error(), " is "+kind+";") {
					t.Errorf("got error %q, want it to say %q", err, kind)
				}
			})
		}
	}
}

func TestGuard_AllowsWhatIsNamed(t *testing.T) {
	t.Parallel()
	reached, port := listenEverywhere(t)
	for _, c := range []struct {
		allow, host string
		want        bool
	}{
		{"127.0.0.1/32", "127.0.0.1", true},
		{"127.0.0.0/8", "127.0.0.1", true},
		{"127.9.9.9/8", "127.0.0.1", true}, // host bits do not matter
		{"127.0.0.1/32", "[::ffff:127.0.0.1]", true},
		{"::ffff:127.0.0.0/104", "127.0.0.1", true},
		{"0.0.0.0/0", "127.0.0.1", true},
		{"127.0.0.0/8", "localhost", true},
		{"127.0.0.2/32", "127.0.0.1", false},
		{"10.0.0.0/8", "127.0.0.1", false},
		{"::/0", "127.0.0.1", false}, // IPv6 networks hold no IPv4 address, in no spelling
		{"::/0", "[::ffff:127.0.0.1]", false},
		{"127.0.0.0/8", "[::127.0.0.1]", false},
		{"127.0.0.0/8", "[64:ff9b::127.0.0.1]", false},
		{"127.0.0.0/8", "[::1]", false},
	} {
		t.Run(c.allow+" "+c.host, func(t *testing.T) {
			client := outbound.New(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix(c.allow)}})
			t.Cleanup(client.Close)
			before := reached.Load()
			_, err := get(t, client, "http://"+c.host+":"+port+"/")
			if got := err == nil && reached.Load() == before+1; got != c.want {
				t.Errorf("reached: got %t (error %v), want %t", got, err, c.want)
			}
		})
	}
}

func TestGuard_SaysWhichSettingAllows(t *testing.T) {
	t.Parallel()
	client := outbound.New(outbound.Options{})
	for address, want := range map[string]string{
		"10.0.0.5:80":          "10.0.0.5 is a private address; start the server with --allow-network 10.0.0.5/32 (ALERTROUTER_ALLOW_NETWORKS) to allow it",
		"[::ffff:10.0.0.5]:80": "10.0.0.5 is a private address; start the server with --allow-network 10.0.0.5/32 (ALERTROUTER_ALLOW_NETWORKS) to allow it",
		"[fd00::1]:80":         "fd00::1 is a private address; start the server with --allow-network fd00::1/128 (ALERTROUTER_ALLOW_NETWORKS) to allow it",
	} {
		_, err := client.DialContext(t.Context(), "tcp", address)
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("dial %s: got error %v, want it to end in %q", address, err, want)
		}
	}
}

func TestGuard_JudgesWhatANameResolvesTo(t *testing.T) {
	t.Parallel()
	reached, port := listenEverywhere(t)
	client := outbound.New(outbound.Options{Resolver: resolvingTo(t, netip.MustParseAddr("127.0.0.1"))})
	_, err := get(t, client, "http://rebound.example:"+port+"/")
	if !errors.Is(err, outbound.ErrBlocked) {
		t.Errorf("got error %v, want ErrBlocked", err)
	}
	if n := reached.Load(); n > 0 {
		t.Errorf("the listener was reached %d times, want never", n)
	}
}

func TestGuard_RefusesOtherNetworks(t *testing.T) {
	t.Parallel()
	client := outbound.New(outbound.Options{})
	for network, address := range map[string]string{"udp": "8.8.8.8:53", "unix": "/var/run/docker.sock", "tcp": "no-port"} {
		conn, err := client.DialContext(t.Context(), network, address)
		if err == nil {
			_ = conn.Close()
		}
		if !errors.Is(err, outbound.ErrBadRequest) {
			t.Errorf("dial %s %s: got error %v, want ErrBadRequest", network, address, err)
		}
	}
}

// listenEverywhere serves on one port of every address of the machine and counts who comes.
func listenEverywhere(t *testing.T) (reached *atomic.Int64, port string) {
	t.Helper()
	reached = new(atomic.Int64)
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	_, port, _ = net.SplitHostPort(listener.Addr().String())
	return reached, port
}

// resolvingTo returns a resolver whose DNS server answers every question for an IPv4 address with addr.
func resolvingTo(t *testing.T, addr netip.Addr) *net.Resolver {
	t.Helper()
	return resolving(t, func(query []byte) []byte { return dnsAnswer(query, addr) })
}

// unknowing returns a resolver whose DNS server knows no name (NXDOMAIN).
func unknowing(t *testing.T) *net.Resolver {
	t.Helper()
	return resolving(t, func(query []byte) []byte {
		answer := dnsAnswer(query, netip.IPv4Unspecified())[:12+len(dnsQuestion(query))]
		binary.BigEndian.PutUint16(answer[2:], 0x8183)
		binary.BigEndian.PutUint16(answer[6:], 0)
		return answer
	})
}

func resolving(t *testing.T, answer func(query []byte) []byte) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	go func() {
		packet := make([]byte, 1500)
		for {
			n, from, err := server.ReadFrom(packet)
			if err != nil {
				return
			}
			_, _ = server.WriteTo(answer(packet[:n]), from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp4", server.LocalAddr().String())
	}}
}

// dnsAnswer repeats a query's header and its one question and adds an A record, or none to a question for another
// type (https://www.rfc-editor.org/rfc/rfc1035#section-4).
func dnsAnswer(query []byte, addr netip.Addr) []byte {
	end := 12 + len(dnsQuestion(query))
	answer := append([]byte(nil), query[:end]...)
	binary.BigEndian.PutUint16(answer[2:], 0x8180) // an answer, without an error
	binary.BigEndian.PutUint16(answer[10:], 0)     // no additional records
	if binary.BigEndian.Uint16(query[end-4:]) != 1 {
		return answer
	}
	binary.BigEndian.PutUint16(answer[6:], 1)
	answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4) // the name asked for, A, IN, 1 s, 4 bytes
	return append(answer, addr.AsSlice()...)
}

// dnsQuestion returns a query's question: a name, a type and a class.
func dnsQuestion(query []byte) []byte {
	end := 12
	for query[end] != 0 {
		end += int(query[end]) + 1
	}
	return query[12 : end+5]
}
