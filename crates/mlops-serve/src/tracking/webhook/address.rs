//! Which addresses may be called: https, and public on every address that the name has.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;

use super::WebhookOptions;

/// Reads the address of a webhook; what can be refused without asking for the name's addresses is refused here.
pub(in super::super) fn check_url(url: &str, options: WebhookOptions) -> Result<Url, &'static str> {
    let url = Url::parse(url).map_err(|_| "it is not a URL")?;
    let host = url.host_str().ok_or("it names no host")?;
    let literal: Option<IpAddr> = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok();
    match url.scheme() {
        "https" => {}
        "http" if options.loopback && literal.is_some_and(|ip| ip.is_loopback()) => {}
        _ => return Err("it must begin with https://"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it must not hold a user or a password");
    }
    if url.fragment().is_some() {
        return Err("it must not hold a fragment");
    }
    if literal.is_some_and(|ip| !may_call(ip, options)) {
        return Err("it is not a public address");
    }
    Ok(url)
}

/// The addresses of a URL's host; refused as a whole if one of them may not be called.
pub(super) async fn resolve(
    url: &Url,
    options: WebhookOptions,
) -> Result<Vec<SocketAddr>, &'static str> {
    let host = url.host_str().ok_or("it names no host")?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = url.port_or_known_default().ok_or("it names no port")?;
    let found = tokio::net::lookup_host((host, port)).await;
    let addresses: Vec<SocketAddr> = found.map_err(|_| "its name has no address")?.collect();
    if addresses.is_empty() {
        return Err("its name has no address");
    }
    if addresses
        .iter()
        .any(|address| !may_call(address.ip(), options))
    {
        return Err("its name leads to an address that is not public");
    }
    Ok(addresses)
}

fn may_call(ip: IpAddr, options: WebhookOptions) -> bool {
    is_public(ip) || (options.loopback && ip.is_loopback())
}

fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

/// What RFC 6890 and its registry do not set aside.
fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let set_aside = match a {
        0 | 10 | 127 | 224.. => true,
        100 => (64..128).contains(&b),
        169 => b == 254,
        172 => (16..32).contains(&b),
        192 => matches!((b, c), (0, 0 | 2) | (88, 99) | (168, _)),
        198 => matches!((b, c), (18 | 19, _) | (51, 100)),
        203 => (b, c) == (0, 113),
        _ => false,
    };
    !set_aside
}

/// Global unicast (2000::/3) but what is set aside in it. Mapped and translated IPv4 addresses, loopback, local and
/// multicast ones lie outside.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, ..] = ip.segments();
    let unicast = (0x2000..0x4000).contains(&a);
    let set_aside = match a {
        // Teredo, ORCHID and other protocol assignments (2001::/23), and documentation
        0x2001 => b < 0x0200 || b == 0x0db8,
        // 6to4, which holds an IPv4 address
        0x2002 => true,
        // documentation (3fff::/20)
        0x3fff => b < 0x1000,
        _ => false,
    };
    unicast && !set_aside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        for ip in [
            "1.1.1.1",
            "8.8.8.8",
            "93.184.216.34",
            "2606:4700::1111",
            "2a00:1450::1",
        ] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
        for ip in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:169.254.169.254",
            "::ffff:1.1.1.1",
            "::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:a9fe:a9fe::1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "fc00::1",
            "fd00::1",
            "fe80::1",
            "ff02::1",
            "100::1",
        ] {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn a_url_must_be_https_and_lead_outside() {
        let check = |url| check_url(url, WebhookOptions::default());
        assert!(check("https://hooks.example.com/a?b=c").is_ok());
        assert!(check("https://1.1.1.1:8443/").is_ok());
        for url in [
            "http://hooks.example.com/",
            "ftp://hooks.example.com/",
            "file:///etc/passwd",
            "https://",
            "https://user:secret@hooks.example.com/",
            "https://hooks.example.com/#x",
            "https://127.0.0.1/",
            "https://169.254.169.254/latest/meta-data",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[64:ff9b::a00:1]/",
            // as browsers read them: octal, hexadecimal, one number
            "https://0177.0.0.1/",
            "https://0x7f.0.0.1/",
            "https://2130706433/",
            "https://127.1/",
            "http://127.0.0.1/",
            "hooks.example.com",
        ] {
            assert!(check(url).is_err(), "{url}");
        }
        let for_tests = WebhookOptions::default().loopback_http();
        assert!(check_url("http://127.0.0.1:8080/", for_tests).is_ok());
        assert!(check_url("http://10.0.0.1/", for_tests).is_err());
        assert!(check_url("http://hooks.example.com/", for_tests).is_err());
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_not_called() {
        let strict = WebhookOptions::default();
        let url = Url::parse("https://localhost/").unwrap();
        assert!(resolve(&url, strict).await.is_err());
        let found = resolve(&url, strict.loopback_http()).await;
        assert!(found.is_ok_and(|found| !found.is_empty()));
    }
}
