//! The on-demand part of a feature service: request data, transforms in order, and what stays inside.

use std::collections::{BTreeMap, BTreeSet};

use arrow::datatypes::DataType;
use mlops_core::{Column, Digest, EventTime, FeatureName};

use super::{Expr, Program, UserFunction, check::AT, kind::Kind, user::by_name};
use crate::{Error, Feature, Result, service::quoted};

/// A named expression of a service: an on-demand feature.
#[derive(Debug, Clone)]
pub struct Transform {
    name: FeatureName,
    expr: Expr,
    hidden: bool,
    pub(crate) program: Program,
    digest: Digest,
    /// The features that it depends on, through other transforms as well.
    pub(crate) rests_on: Vec<usize>,
}

impl Transform {
    /// Its name, which is its column's name.
    pub fn name(&self) -> &FeatureName {
        &self.name
    }

    /// The expression.
    pub fn expr(&self) -> &Expr {
        &self.expr
    }

    /// The names that it reads: features, request columns, keys and other transforms.
    pub fn inputs(&self) -> Vec<&str> {
        self.expr.columns()
    }

    /// Whether it serves other transforms only.
    pub fn is_hidden(&self) -> bool {
        self.hidden
    }

    /// The Arrow type of its values.
    pub fn data_type(&self) -> DataType {
        self.program.data_type()
    }

    /// The identity of the definition, the definitions of all that it reads included, with the names and
    /// versions of the functions that it calls.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The column that it adds to a table.
    pub fn column(&self) -> Column {
        Column::value(self.name.as_str(), self.data_type())
    }
}

/// What a builder of a service has collected.
#[derive(Debug, Default)]
pub(crate) struct OnDemandBuilder {
    pub(crate) requests: Vec<(String, DataType)>,
    pub(crate) transforms: Vec<(String, Result<Expr>)>,
    pub(crate) functions: Vec<UserFunction>,
    pub(crate) hidden: Vec<String>,
}

/// The checked on-demand part.
///
/// The inputs of a program are, slot by slot, the features, the keys, the request columns, the instant
/// of the question, and the transforms that were computed before.
#[derive(Debug, Default)]
pub(crate) struct OnDemand {
    pub(crate) requests: Vec<(String, DataType)>,
    /// In order of declaration, which is the order of the output.
    pub(crate) transforms: Vec<Transform>,
    /// In an order in which each finds its inputs done.
    pub(crate) order: Vec<usize>,
    /// Features that serve transforms only.
    pub(crate) hidden: BTreeSet<usize>,
}

impl OnDemand {
    pub(crate) fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.transforms.is_empty() && self.hidden.is_empty()
    }

    /// The names of the output, in order.
    pub(crate) fn names<'a>(&'a self, features: &'a [Feature]) -> impl Iterator<Item = &'a str> {
        let shown = features.iter().enumerate();
        let shown = shown.filter(|(i, _)| !self.hidden.contains(i));
        let shown = shown.map(|(_, feature)| feature.name().as_str());
        let transforms = self.transforms.iter().filter(|t| !t.hidden);
        shown.chain(transforms.map(|t| t.name.as_str()))
    }

    /// What distinguishes one on-demand part from another.
    pub(crate) fn digest(&self) -> Digest {
        let requests = self.requests.iter().map(|(n, t)| (n, t.to_string()));
        let transforms = self.transforms.iter();
        let transforms = transforms.map(|t| (&t.name, t.digest, t.hidden));
        Digest::of_json(&(
            ("on demand", 1, requests.collect::<Vec<_>>()),
            transforms.collect::<Vec<_>>(),
            &self.hidden,
        ))
    }
}

impl OnDemandBuilder {
    /// Checks names, order and types.
    pub(crate) fn build(
        self,
        service: &str,
        features: &[Feature],
        keys: &[(String, DataType)],
    ) -> Result<OnDemand> {
        let mut names: BTreeMap<String, &'static str> = BTreeMap::new();
        let taken = features.iter().map(|f| (f.name().to_string(), "a feature"));
        names.extend(taken);
        names.extend(keys.iter().map(|(key, _)| (key.clone(), "a key column")));
        let mut claim = |name: &str, what: &'static str| match names.insert(name.to_owned(), what) {
            None => Ok(()),
            Some(first) => Err(Error::NameCollision {
                name: name.to_owned(),
                first: first.to_owned(),
                second: what.to_owned(),
            }),
        };
        for (name, data_type) in &self.requests {
            FeatureName::new(name.as_str())?;
            claim(name, "a request column")?;
            if Kind::of_input(data_type).is_none() {
                return Err(Error::InvalidTransform {
                    transform: name.clone(),
                    reason: format!("a request column cannot be {data_type}"),
                });
            }
        }
        let mut definitions = Vec::new();
        for (name, expr) in self.transforms {
            let name = FeatureName::new(name)?;
            claim(name.as_str(), "a transform")?;
            definitions.push((name, expr?));
        }
        let hidden = Hidden::of(service, &self.hidden, features, &definitions)?;
        let functions = by_name(&self.functions)?;
        let order = order(&definitions)?;

        let mut inputs: Vec<(String, DataType)> = features
            .iter()
            .map(|feature| (feature.name().to_string(), feature.data_type()))
            .chain(keys.iter().cloned())
            .chain(self.requests.iter().cloned())
            .collect();
        inputs.push((AT.to_owned(), EventTime::data_type()));
        let mut done: Vec<Option<Transform>> = definitions.iter().map(|_| None).collect();
        for at in &order {
            let (name, expr) = &definitions[*at];
            let program = Program::titled(name.to_string(), expr, &inputs, &functions)?;
            let known = |name: &str| done.iter().flatten().find(|t| t.name.as_str() == name);
            let rests_on = rests_on(expr, features, known);
            let digest = digest(name, expr, &program, |input| {
                if let Some(feature) = features.iter().find(|f| f.name().as_str() == input) {
                    return feature.digest().to_string();
                }
                match known(input) {
                    Some(transform) => transform.digest.to_string(),
                    None => inputs
                        .iter()
                        .find(|(name, _)| name == input)
                        .map(|(_, data_type)| data_type.to_string())
                        .unwrap_or_default(),
                }
            });
            inputs.push((name.to_string(), program.data_type()));
            done[*at] = Some(Transform {
                name: name.clone(),
                expr: expr.clone(),
                hidden: hidden.transforms.contains(at),
                program,
                digest,
                rests_on,
            });
        }
        let on_demand = OnDemand {
            requests: self.requests,
            transforms: done.into_iter().flatten().collect(),
            order,
            hidden: hidden.features,
        };
        if on_demand.names(features).next().is_none() {
            return Err(Error::EmptyService {
                service: service.to_owned(),
            });
        }
        Ok(on_demand)
    }
}

/// What is computed and not shown, by position.
struct Hidden {
    features: BTreeSet<usize>,
    transforms: BTreeSet<usize>,
}

impl Hidden {
    fn of(
        service: &str,
        names: &[String],
        features: &[Feature],
        definitions: &[(FeatureName, Expr)],
    ) -> Result<Self> {
        let mut hidden = Self {
            features: BTreeSet::new(),
            transforms: BTreeSet::new(),
        };
        let transforms = definitions.iter().map(|(name, _)| name.as_str());
        let known: Vec<&str> = features
            .iter()
            .map(|feature| feature.name().as_str())
            .chain(transforms)
            .collect();
        for name in names {
            let Some(at) = known.iter().position(|known| known == name) else {
                return Err(Error::UnknownFeature {
                    service: service.to_owned(),
                    feature: name.clone(),
                    available: quoted(known),
                });
            };
            match at.checked_sub(features.len()) {
                None => hidden.features.insert(at),
                Some(at) => hidden.transforms.insert(at),
            };
        }
        Ok(hidden)
    }
}

/// An order in which every transform comes after those that it reads.
fn order(definitions: &[(FeatureName, Expr)]) -> Result<Vec<usize>> {
    let place = |name: &str| definitions.iter().position(|(n, _)| n.as_str() == name);
    let reads: Vec<Vec<usize>> = definitions
        .iter()
        .map(|(_, expr)| expr.columns().into_iter().filter_map(place).collect())
        .collect();
    let mut order: Vec<usize> = Vec::with_capacity(reads.len());
    let mut done = vec![false; reads.len()];
    loop {
        let ready = (0..reads.len()).find(|at| !done[*at] && reads[*at].iter().all(|r| done[*r]));
        let Some(next) = ready else { break };
        done[next] = true;
        order.push(next);
    }
    let Some(start) = done.iter().position(|done| !done) else {
        return Ok(order);
    };
    // each that is left reads another that is left, so following them comes back to one
    let mut path = vec![start];
    let cycle = loop {
        let last = path[path.len() - 1];
        let next = reads[last].iter().find(|r| !done[**r]).copied();
        let next = next.expect("a transform that is left waits for one");
        if let Some(from) = path.iter().position(|at| *at == next) {
            path.push(next);
            break path.split_off(from);
        }
        path.push(next);
    };
    let names: Vec<&str> = cycle.iter().map(|at| definitions[*at].0.as_str()).collect();
    Err(Error::InvalidTransform {
        transform: names[0].to_owned(),
        reason: format!("it reads itself: {}", names.join(" reads ")),
    })
}

fn rests_on<'a>(
    expr: &Expr,
    features: &[Feature],
    known: impl Fn(&str) -> Option<&'a Transform>,
) -> Vec<usize> {
    let mut found = BTreeSet::new();
    for input in expr.columns() {
        match known(input) {
            Some(transform) => found.extend(&transform.rests_on),
            None => found.extend(features.iter().position(|f| f.name().as_str() == input)),
        }
    }
    found.into_iter().collect()
}

fn digest(
    name: &FeatureName,
    expr: &Expr,
    program: &Program,
    identity: impl Fn(&str) -> String,
) -> Digest {
    let inputs: Vec<(&str, String)> = expr
        .columns()
        .into_iter()
        .map(|input| (input, identity(input)))
        .collect();
    let functions = program.functions();
    let functions: Vec<_> = functions.iter().map(|f| f.identity()).collect();
    let output = program.data_type().to_string();
    Digest::of_json(&(
        ("transform", 1, name, expr.to_string()),
        (output, inputs, functions),
    ))
}

/// An expression, its text, or what came of reading one.
pub trait IntoExpr {
    /// Makes it a result.
    ///
    /// # Errors
    /// [`Error::ExpressionSyntax`] for a text that is no expression.
    fn into_expr(self) -> Result<Expr>;
}

impl IntoExpr for Expr {
    fn into_expr(self) -> Result<Expr> {
        Ok(self)
    }
}

impl IntoExpr for Result<Expr> {
    fn into_expr(self) -> Result<Expr> {
        self
    }
}

impl IntoExpr for &str {
    fn into_expr(self) -> Result<Expr> {
        Expr::parse(self)
    }
}

impl IntoExpr for &String {
    fn into_expr(self) -> Result<Expr> {
        Expr::parse(self)
    }
}
