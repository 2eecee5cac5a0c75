//! Families that contradict themselves are refused, and whole models are blended into one.

use mlops_core::Value;
use mlops_model::{
    Bayes, Blend, Calibrated, Centroids, Combine, Curve, Encoder, Ensemble, Estimator, Input,
    InputKind, Kernel, Likelihood, Linear, Link, Member, Model, ModelSpec, Nearest, Node, Output,
    Preprocess, Result, Scratch, Signature, Svm, Tree, TreeEnsemble, limit,
};

fn yes() -> Output {
    Output::Probability {
        positive: "yes".into(),
    }
}

fn build(nullable: bool, output: Output, estimator: Estimator) -> Result<ModelSpec> {
    let mut inputs = [
        Input::new("a", InputKind::Float),
        Input::new("b", InputKind::Float),
    ];
    inputs[0].nullable = nullable;
    let signature = Signature::new(inputs, output)?;
    let encoders = vec![Encoder::plain(0), Encoder::plain(1)];
    let preprocess = Preprocess::new(&signature, encoders)?;
    ModelSpec::new(signature, preprocess, estimator)
}

fn refused(estimator: Estimator, message: &str) {
    let error = build(false, Output::Number, estimator)
        .unwrap_err()
        .to_string();
    assert!(error.contains(message), "{error} has no {message}");
}

fn bayes(priors: usize, likelihood: Likelihood, link: Link) -> Estimator {
    Estimator::Bayes(Bayes {
        log_priors: vec![-1.0; priors],
        likelihood,
        link,
    })
}

fn counts(len: usize) -> Likelihood {
    Likelihood::Multinomial {
        log_shares: vec![-1.0; len],
    }
}

fn line(weights: Vec<f64>, link: Link) -> Linear {
    Linear {
        weights,
        bias: vec![0.0],
        link,
    }
}

fn member(first: usize, width: usize) -> Member {
    Member {
        first,
        width,
        estimator: Estimator::Linear(line(vec![1.0; width], Link::Logit)),
    }
}

fn average(members: Vec<Member>, weights: Vec<f64>) -> Estimator {
    Estimator::Ensemble(Ensemble {
        members,
        blend: Blend::Average { weights },
    })
}

fn calibrated(curves: Vec<Curve>) -> Estimator {
    Estimator::Calibrated(Calibrated {
        estimator: Box::new(Estimator::Linear(line(vec![1.0, 1.0], Link::Logit))),
        curves,
    })
}

fn isotonic(x: Vec<f64>, y: Vec<f64>) -> Estimator {
    calibrated(vec![Curve::Isotonic { x, y }])
}

#[test]
fn densities_that_do_not_fit_are_refused() {
    let gaussian = |means: Vec<f64>, variances: Vec<f64>| Likelihood::Gaussian { means, variances };
    let covariance = |whitening: Vec<f64>| Likelihood::Covariance {
        means: vec![0.0; 4],
        whitening,
    };
    for (estimator, message) in [
        (
            bayes(3, counts(6), Link::Logit),
            "3 classes do not fit the link",
        ),
        (bayes(1, counts(2), Link::Softmax), "1 classes do not fit"),
        (bayes(2, counts(4), Link::Identity), "do not fit the link"),
        (
            bayes(2, counts(3), Link::Logit),
            "3 numbers in `log_shares`",
        ),
        (
            bayes(2, gaussian(vec![0.0; 4], vec![0.0; 4]), Link::Logit),
            "a variance is 0",
        ),
        (
            bayes(2, gaussian(vec![f64::NAN; 4], vec![1.0; 4]), Link::Logit),
            "`means` is NaN",
        ),
        (
            bayes(2, covariance(vec![1.0; 8]), Link::Logit),
            "the whitening of class 0",
        ),
        (
            bayes(2, covariance(vec![1.0; 4]), Link::Logit),
            "4 numbers in `whitening`",
        ),
        (
            bayes(
                2,
                covariance([vec![1.0, 0.0, 0.5, 1.0], vec![1.0, 0.0, 0.5, 0.0]].concat()),
                Link::Logit,
            ),
            "the whitening of class 1",
        ),
    ] {
        refused(estimator, message);
    }
}

#[test]
fn kernels_and_points_that_do_not_fit_are_refused() {
    let svm = |kernel, vectors: usize, coefficients: usize| {
        Estimator::Svm(Svm {
            kernel,
            vectors: vec![1.0; vectors],
            coefficients: vec![1.0; coefficients],
            bias: vec![0.0],
            link: Link::Identity,
        })
    };
    let points = |points: Vec<f64>, labels: Vec<u32>, radius| {
        Estimator::Centroids(Centroids {
            points,
            labels,
            radius,
            answer: Nearest::Label,
        })
    };
    let polynomial = |degree| Kernel::Polynomial {
        gamma: 1.0,
        constant: 0.0,
        degree,
    };
    for (estimator, message) in [
        (svm(Kernel::Linear, 3, 1), "3 numbers of vectors"),
        (svm(Kernel::Linear, 2, 2), "2 coefficients do not fit"),
        (svm(Kernel::Rbf { gamma: 0.0 }, 2, 1), "`gamma` is 0"),
        (svm(Kernel::Rbf { gamma: f64::NAN }, 2, 1), "`gamma` is NaN"),
        (svm(polynomial(0), 2, 1), "`degree` is 0"),
        (svm(polynomial(17), 2, 1), "`degree` is 17"),
        (points(vec![], vec![], None), "there is no point"),
        (
            points(vec![1.0; 3], vec![0], None),
            "3 numbers do not fill 1",
        ),
        (points(vec![f64::NAN; 2], vec![0], None), "a point has NaN"),
        (
            points(vec![1.0; 2], vec![0], Some(-1.0)),
            "the radius is -1",
        ),
    ] {
        refused(estimator, message);
    }
}

#[test]
fn wrappers_that_do_not_fit_are_refused() {
    for (estimator, message) in [
        (average(vec![], vec![]), "it has no member"),
        (
            average(vec![member(0, 2)], vec![]),
            "0 weights meet 1 members",
        ),
        (
            average(vec![member(1, 2)], vec![1.0]),
            "member 0 reads 2 columns from 1",
        ),
        (
            average(vec![member(usize::MAX, 2)], vec![1.0]),
            "member 0 reads 2",
        ),
        (average(vec![member(0, 1)], vec![-1.0]), "a weight is -1"),
        (
            average(vec![member(0, 1)], vec![0.0]),
            "the weights sum to 0",
        ),
        (
            average(vec![member(0, 1), member(1, 1)], vec![1e308, 1e308]),
            "sum to inf",
        ),
        (
            Estimator::Ensemble(Ensemble {
                members: vec![member(0, 1)],
                blend: Blend::Stack(line(vec![1.0, 1.0], Link::Logit)),
            }),
            "2 weights meet 1",
        ),
        (calibrated(vec![]), "0 curves meet 1 outputs"),
        (
            calibrated(vec![Curve::Sigmoid {
                slope: f64::INFINITY,
                intercept: 0.0,
            }]),
            "its sigmoid is inf",
        ),
        (isotonic(vec![], vec![]), "0 knots"),
        (isotonic(vec![0.0, 1.0], vec![0.0]), "2 knots meet 1"),
        (
            isotonic(vec![0.0, 0.0], vec![0.0, 1.0]),
            "its knots do not rise",
        ),
        (
            isotonic(vec![0.0, 1.0], vec![1.0, 0.0]),
            "its probabilities fall",
        ),
        (isotonic(vec![0.0, 1.0], vec![0.0, 1.5]), "leave 0..=1"),
    ] {
        refused(estimator, message);
    }
    let deep = (0..=limit::ESTIMATOR_DEPTH).fold(
        Estimator::Linear(line(vec![1.0, 1.0], Link::Logit)),
        |inner, _| {
            Estimator::Calibrated(Calibrated {
                estimator: Box::new(inner),
                curves: vec![Curve::Sigmoid {
                    slope: 1.0,
                    intercept: 0.0,
                }],
            })
        },
    );
    refused(deep, "the depth of estimators is 9");
}

#[test]
fn deep_estimators_in_json_do_not_overflow_the_stack() {
    let inner = r#"{"calibrated":{"estimator":"#.repeat(100_000);
    assert!(serde_json::from_str::<Estimator>(&inner).is_err());
}

#[test]
fn only_the_members_that_need_a_value_ask_for_one() {
    let trees = |first, width| Member {
        first,
        width,
        estimator: Estimator::Trees(TreeEnsemble {
            trees: vec![Tree {
                nodes: vec![Node::Leaf { value: 0.5 }],
            }],
            base: vec![0.0],
            combine: Combine::Mean,
            link: Link::Identity,
        }),
    };
    let blend = |members| build(true, yes(), average(members, vec![1.0, 1.0]));
    assert!(blend(vec![trees(0, 2), member(1, 1)]).is_ok());
    let error = blend(vec![trees(0, 2), member(0, 1)]).unwrap_err();
    assert!(
        error.to_string().contains("encoder of input `a`"),
        "{error}"
    );
}

#[test]
fn a_mean_of_probabilities_is_a_probability_and_a_label_is_none() {
    let members = || vec![member(0, 1), member(1, 1)];
    assert!(build(false, yes(), average(members(), vec![0.1, 0.2])).is_ok());
    let stack = |link| {
        Estimator::Ensemble(Ensemble {
            members: members(),
            blend: Blend::Stack(line(vec![1.0, -1.0], link)),
        })
    };
    assert!(build(false, yes(), stack(Link::Logit)).is_ok());
    assert!(build(false, yes(), stack(Link::Identity)).is_err());
    let points = Estimator::Centroids(Centroids {
        points: vec![0.0; 2],
        labels: vec![0],
        radius: None,
        answer: Nearest::Label,
    });
    assert!(build(false, yes(), points.clone()).is_err());
    assert!(build(false, Output::Number, points).is_ok());
}

#[test]
fn whole_models_are_averaged_stacked_and_calibrated() {
    let one = build(
        false,
        yes(),
        Estimator::Linear(line(vec![1.0, 0.0], Link::Logit)),
    )
    .unwrap();
    let other = build(
        false,
        yes(),
        Estimator::Linear(line(vec![0.0, 2.0], Link::Logit)),
    )
    .unwrap();
    let row = [Value::Float(1.0), Value::Float(-1.0)];
    let answer = |model: &ModelSpec| model.predict_value(&row, &mut Scratch::new()).unwrap();
    let models = [one, other];
    let (p, q) = (answer(&models[0]), answer(&models[1]));

    let mean = ModelSpec::average(&models, vec![3.0, 1.0]).unwrap();
    assert_eq!(answer(&mean), (3.0 * p + q) / 4.0);
    // both read the same columns, so there are no more
    assert_eq!(mean.preprocess().width(), 2);

    let stacker = line(vec![2.0, -1.0], Link::Logit);
    let stack = ModelSpec::stack(models[0].signature().clone(), &models, stacker).unwrap();
    assert_eq!(answer(&stack), 1.0 / (1.0 + (-(2.0 * p - q)).exp()));

    let curve = Curve::Sigmoid {
        slope: 2.0,
        intercept: -1.0,
    };
    let calm = models[0].clone().calibrated(vec![curve.clone()]).unwrap();
    assert_eq!(answer(&calm), curve.apply(p));
    assert_eq!(calm.family(), "calibrated");

    let signature = Signature::new([Input::new("a", InputKind::Float)], yes()).unwrap();
    let preprocess = Preprocess::new(&signature, vec![]).unwrap();
    let linear = Estimator::Linear(line(vec![], Link::Logit));
    let stranger = ModelSpec::new(signature, preprocess, linear).unwrap();
    let error = ModelSpec::average(&[models[0].clone(), stranger], vec![1.0, 1.0]).unwrap_err();
    assert!(
        error.to_string().contains("signature of member 1"),
        "{error}"
    );
    assert!(ModelSpec::average(&[], vec![]).is_err());
}

#[test]
fn a_row_beyond_the_radius_belongs_to_no_cluster() {
    let points = |answer| {
        let centroids = Centroids {
            points: vec![0.0, 0.0, 3.0, 4.0],
            labels: vec![7, 8],
            radius: Some(1.0),
            answer,
        };
        build(false, Output::Number, Estimator::Centroids(centroids)).unwrap()
    };
    let answer = |model: &ModelSpec, x: f64, y: f64| {
        let row = [Value::Float(x), Value::Float(y)];
        model.predict_value(&row, &mut Scratch::new()).unwrap()
    };
    let label = points(Nearest::Label);
    assert_eq!(answer(&label, 0.0, 1.0), 7.0);
    assert_eq!(answer(&label, 3.0, 5.5), -1.0);
    // as far from both, and the first is taken
    assert_eq!(answer(&points(Nearest::Distance), 1.5, 2.0), 2.5);
}
